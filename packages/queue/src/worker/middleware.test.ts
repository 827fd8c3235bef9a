import { expect, test } from "vitest";
import type { Job, JobContext, JobMiddleware } from "../job.ts";
import { withMiddleware } from "./middleware.ts";

const job = { id: "1" } as Job;
const context = {} as JobContext;

test("the first layer is the outermost, and each sees what those below returned", async () => {
  const seen: string[] = [];
  const layer =
    (name: string): JobMiddleware =>
    async (given, _, next) => {
      seen.push(`${name} ${given.id}`);
      const result = await next();
      seen.push(`${name} got ${result}`);
      return `${name}(${result})`;
    };
  const result = await withMiddleware([layer("a"), layer("b")], job, context, async () => "done");
  expect(result).toBe("a(b(done))");
  expect(seen).toEqual(["a 1", "b 1", "b got done", "a got b(done)"]);
});

test("a layer may do without the handler, and one that throws at once rejects", async () => {
  const unreached = async (): Promise<never> => expect.unreachable();
  expect(await withMiddleware([async () => "cached"], job, context, unreached)).toBe("cached");
  const throwing: JobMiddleware = () => {
    throw new Error("layer");
  };
  await expect(withMiddleware([throwing], job, context, unreached)).rejects.toThrow("layer");
});

import { expect, test } from "vitest";
import { serverError } from "../../test/fake-postgres.ts";
import { routedServers } from "../../test/routed-servers.ts";
import { runTransaction, type TransactionOptions } from "./transaction.ts";

async function transactions() {
  const { database, server } = await routedServers();
  await database.query("SELECT 1");
  const heard = (host: string) => server(host).heard.splice(0);
  const run = (statement: string, options?: TransactionOptions) => {
    for (const host of ["a", "b", "c"]) heard(host);
    return runTransaction(
      () => database.client(undefined),
      async (client) => client.query(statement),
      options,
    );
  };
  return { run, heard, server };
}

test("what resolves is committed, what rejects is rolled back", async () => {
  const { run, heard, server } = await transactions();
  await run("INSERT INTO t VALUES (1)");
  expect(heard("a")).toEqual(["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"]);
  server("a").answer = (text) => (text.startsWith("INSERT") ? serverError("23505") : []);
  await expect(run("INSERT INTO t VALUES (1)")).rejects.toMatchObject({ code: "23505" });
  expect(heard("a")).toEqual(["BEGIN", "INSERT INTO t VALUES (1)", "ROLLBACK"]);
});

test("one that only reads is a replica's, all of it", async () => {
  const { run, heard } = await transactions();
  await run("SELECT 1", { readOnly: true, isolation: "repeatable read" });
  const all = [...heard("b"), ...heard("c")];
  expect(all).toEqual(["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1", "COMMIT"]);
});

test("a wrong option is named", async () => {
  const { run } = await transactions();
  await expect(run("SELECT 1", { readonly: true } as TransactionOptions)).rejects.toThrow(
    /did you mean "readOnly"/,
  );
  await expect(run("SELECT 1", { retries: -1 })).rejects.toThrow(/retries must be/);
  await expect(run("SELECT 1", { isolation: "snapshot" as never })).rejects.toThrow(
    /isolation must be one of/,
  );
});

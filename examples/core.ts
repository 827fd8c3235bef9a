import { createServer } from "node:http";
import { CircuitBreaker } from "@headroom/core/circuit-breaker";
import { withDeadline } from "@headroom/core/deadline";
import { HeadroomError } from "@headroom/core/errors";
import { retry } from "@headroom/core/retry";
import { RetryBudget } from "@headroom/core/retry-budget";

// A service that fails twice and then answers.
let asked = 0;
const service = createServer((_, response) => {
  asked += 1;
  response.statusCode = asked < 3 ? 503 : 200;
  response.end("42");
}).listen(4010, "127.0.0.1");

const circuit = new CircuitBreaker({ name: "prices" });
const budget = new RetryBudget();

/** At most 2 s in all, three tries, no storm of retries, no calls to a service that is down. */
function price(product: string): Promise<string> {
  return withDeadline({ timeoutMs: 2_000, what: `the price of ${product}` }, (signal) =>
    retry(() => circuit.run(() => fetchPrice(product, signal), { signal }), { signal, budget }),
  );
}

async function fetchPrice(product: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`http://127.0.0.1:4010/${product}`, { signal });
  if (response.status < 500) return response.text();
  throw new HeadroomError("PRICE_UNAVAILABLE", `no price of ${product}`, { retryable: true });
}

console.log(`an apple costs ${await price("apple")}, asked ${asked} times`);
service.close();

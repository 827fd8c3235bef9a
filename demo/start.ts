/** The demo will start here: the whole system on real servers, on one machine, with a live page. */
console.log(`Headroom's demo is not there yet.

What is coming, in this order: a client-side load balancer, a two-tier cache, a router for
PostgreSQL replicas, sessions, queues, sharding, and then this demo: a photo service
on all of them, with buttons to break its servers.

What there is today runs with:  npx -y pnpm@12 test`);

// An SQS emulator on loopback, and the AWS SDK as its client. Each line of
// standard input is a command, [NAME, INPUT], as the SDK has it; each line of
// standard output is its answer. The first line says the port. Ends with its
// standard input.
import { createInterface } from "node:readline";
import { buildApp } from "fauxqs";
import * as sdk from "@aws-sdk/client-sqs";

const region = "us-east-1";
const app = buildApp({ logger: false, defaultRegion: region });
await app.listen({ host: "127.0.0.1", port: 0 });
const { port } = app.server.address();
const client = new sdk.SQSClient({
  region,
  endpoint: `http://127.0.0.1:${port}`,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  useQueueUrlAsEndpoint: false, // its host resolves nowhere
  maxAttempts: 1,
});

const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
say({ port });
for await (const line of createInterface({ input: process.stdin })) {
  const [name, input] = JSON.parse(line);
  try {
    say({ value: await client.send(new sdk[`${name}Command`](input)) });
  } catch (error) {
    say({ error: `${error.name}: ${error.message}` });
  }
}
process.exit(0);

// A consumer of a queue as the EventBridge tutorial has it, on the AWS SDK for
// JavaScript: receives up to ten messages, and of each one after the other asks
// Redis whether its id was seen, processes it if not, and then deletes them
// together. To process an event is to write a line to a file, as the log sink does.
//
//   node sqs_consumer.mjs QUEUE_URL ENDPOINT REDIS_PORT FILE
import { createWriteStream } from "node:fs";
import { connect } from "node:net";
import * as sdk from "@aws-sdk/client-sqs";

const [queueUrl, endpoint, redisPort, file] = process.argv.slice(2);
const client = new sdk.SQSClient({
  region: "us-east-1",
  endpoint,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  useQueueUrlAsEndpoint: false,
});
const lines = createWriteStream(file, { flags: "a" });

// No more of Redis' protocol than one command after the other needs.
const redis = connect({ host: "127.0.0.1", port: Number(redisPort), noDelay: true });
function ask(...words) {
  const command = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  redis.write(`*${words.length}\r\n${command}`);
  return new Promise((resolve) => redis.once("data", resolve));
}

async function isDuplicate(id) {
  const answer = String(await ask("SET", `event:${id}`, "1", "NX", "EX", "300"));
  if (!/^(\+OK|[$]-1|_)\r\n$/.test(answer)) throw new Error(`Redis says ${answer}`);
  return answer[0] !== "+";
}

async function pollAndProcess() {
  const { Messages: messages = [] } = await client.send(new sdk.ReceiveMessageCommand({
    QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, VisibilityTimeout: 30,
  }));
  const done = [];
  for (const message of messages) {
    const event = JSON.parse(message.Body);
    if (!await isDuplicate(event.id)) lines.write(`event ${event.id}\n`);
    done.push(message.ReceiptHandle);
  }
  if (done.length > 0)
    await client.send(new sdk.DeleteMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: done.map((ReceiptHandle, n) => ({ Id: String(n), ReceiptHandle })),
    }));
}

for (;;) await pollAndProcess();

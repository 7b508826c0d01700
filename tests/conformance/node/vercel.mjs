// What the Vercel AI SDK makes of a server: one JSON line per check, {"check", "ok", …}.
//
//   cd tests/conformance/node && npm ci
//   node vercel.mjs                                      # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 node vercel.mjs
//
// It asks a dozen short questions. Nothing is tried twice.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import {
  BOTH, City, HELLO, PERSON, Person, SNOW, WEATHER, Zone, apiKey, baseURL, model, run, want,
} from "./checks.mjs";

const provider = createOpenAICompatible({
  name: "genspark2api",
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const usual = { model: provider(model), maxRetries: 0 };
const tools = {
  get_weather: tool({ inputSchema: City, execute: async () => SNOW }),
  get_time: tool({ inputSchema: Zone, execute: async () => "noon" }),
};
const looping = { ...usual, tools, stopWhen: stepCountIs(4) };

// The names of the tools that were called, with arguments that fit.
function called(steps) {
  const calls = steps.flatMap((step) => step.toolCalls);
  want(calls.every((call) => !call.invalid), calls);
  want(new Set(calls.map((call) => call.toolCallId)).size === calls.length, "ids twice");
  return calls.map((call) => call.toolName).sort().join();
}

function ended({ steps, text, finishReason }) {
  want(steps.map((step) => step.finishReason).join() === "tool-calls,stop", steps.length);
  want(finishReason === "stop", finishReason);
  want(/4|noon/.test(text), text);
  return { text };
}

await run({
  async whole() {
    const { text, finishReason, usage } = await generateText({ ...usual, prompt: HELLO });
    want(text && finishReason === "stop", finishReason);
    want(usage.outputTokens > 0, usage);
    return { text };
  },

  async streamed() {
    const answer = streamText({ ...usual, prompt: HELLO, onError() {} });
    let text = "";
    let pieces = 0;
    for await (const piece of answer.textStream) {
      text += piece;
      pieces += 1;
    }
    want(pieces > 2, `${pieces} pieces`);
    want((await answer.finishReason) === "stop", await answer.finishReason);
    want((await answer.usage).outputTokens > 0, await answer.usage);
    return { text };
  },

  async tool_loop() {
    const answer = await generateText({ ...looping, prompt: WEATHER });
    want(called(answer.steps) === "get_weather", called(answer.steps));
    return ended(answer);
  },

  async streamed_tool_loop() {
    const answer = streamText({ ...looping, prompt: BOTH, onError() {} });
    const parts = [];
    for await (const { type } of answer.fullStream) parts.push(type);
    const [steps, text] = [await answer.steps, await answer.text];
    want(called(steps) === "get_time,get_weather", called(steps));
    for (const type of ["tool-input-start", "tool-input-delta", "tool-call", "tool-result"]) {
      want(parts.filter((part) => part === type).length >= 2, parts);
    }
    want(!parts.includes("error"), parts);
    return ended({ steps, text, finishReason: await answer.finishReason });
  },

  async forced_call() {
    const { toolCalls, finishReason } = await generateText({
      ...usual,
      tools,
      toolChoice: { type: "tool", toolName: "get_time" },
      prompt: "The zone is CET.",
    });
    want(toolCalls.length === 1 && toolCalls[0].toolName === "get_time", toolCalls);
    return { input: toolCalls[0].input, finishReason };
  },

  async object() {
    const { object, finishReason } = await generateObject({
      ...usual, schema: Person, prompt: PERSON,
    });
    want(finishReason === "stop", finishReason);
    return { object: Person.parse(object) };
  },

  async object_without_schema() {
    const { object } = await generateObject({
      ...usual, output: "no-schema", prompt: `${PERSON} Answer with a JSON object.`,
    });
    want(typeof object === "object" && object !== null, object);
    return { object };
  },

  async streamed_object() {
    const answer = streamText({
      ...usual, output: Output.object({ schema: Person }), prompt: PERSON, onError() {},
    });
    const grown = [];
    for await (const partial of answer.partialOutputStream) grown.push(partial);
    want(grown.length > 0, "nothing on the way");
    return { object: Person.parse(await answer.output) };
  },

  async mistakes() {
    const astray = createOpenAICompatible({ name: "astray", baseURL: `${baseURL}/no`, apiKey });
    try {
      await generateText({ model: astray(model), maxRetries: 0, prompt: HELLO });
    } catch (error) {
      want(APICallError.isInstance(error), String(error));
      want(error.statusCode === 404 && !error.isRetryable, error.statusCode);
      want(error.data.error.message === error.message, error.data);
      return { message: error.message };
    }
    throw new Error("no error for a path that does not exist");
  },
});

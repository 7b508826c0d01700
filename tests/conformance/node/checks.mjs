// What the scripts with agents share: whom they ask, what about, and how they report:
// one JSON line per check, {"check", "ok", …}; the exit status is 1 when a check failed.

import { z } from "zod";

export const baseURL = process.env.BASE_URL ?? "http://127.0.0.1:7055/v1";
export const apiKey = process.env.API_KEY ?? "none";
export const model = process.env.MODEL ?? "gpt-5.4";

export const HELLO = "Say hello in one short sentence.";
export const PERSON = "Ada Lovelace was born in London in 1815. Write down who she was.";
export const WEATHER =
  "What does get_weather say about Geneva? Call it, then answer in one sentence.";
export const BOTH = "Call get_weather for Geneva and get_time for the zone CET, both at once.";
export const SNOW = "Snow, 4 degrees below zero";

export const Person = z.object({ name: z.string(), born: z.int(), cities: z.array(z.string()) });
export const City = z.object({ city: z.string() });
export const Zone = z.object({ zone: z.string() });

export function want(condition, otherwise) {
  const told = typeof otherwise === "string" ? otherwise : JSON.stringify(otherwise);
  if (!condition) throw new Error(told);
}

export async function run(checks) {
  for (const [check, made] of Object.entries(checks)) {
    try {
      console.log(JSON.stringify({ check, ok: true, ...(await made()) }));
    } catch (error) {
      process.exitCode = 1;
      console.log(JSON.stringify({ check, ok: false, error: String(error) }));
    }
  }
}

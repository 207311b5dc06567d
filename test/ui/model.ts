import { type AiServer, chunk, eventStream, startAiServer } from "../support/ai-server.ts";

/** One question to the model. The test decides what it answers, and when. */
export class Question {
  readonly #answer = Promise.withResolvers<Response>();
  #send: ((text: string) => void) | undefined;

  constructor(
    /** The words of the request, instructions among them. */
    readonly words: string,
  ) {}

  get answer(): Promise<Response> {
    return this.#answer.promise;
  }

  /** Says a part of the answer. */
  say(text: string): void {
    if (!this.#send) {
      this.#answer.resolve(
        eventStream((send) => {
          this.#send = send;
        }),
      );
    }
    this.#send?.(chunk(text));
  }

  /** Says the rest, and ends. */
  finish(text: string): void {
    this.say(text);
    this.#send?.(chunk(undefined, "stop"));
    this.#send?.("data: [DONE]\n\n");
  }

  fail(): void {
    this.#answer.resolve(Response.json({ error: { message: "The model has a headache." } }, { status: 500 }));
  }
}

/** A model that thinks for as long as the test wants. */
export class Model {
  readonly name = "patient-model";
  readonly #server: AiServer;
  #asked: Question[] = [];
  #waiting: ((question: Question) => void)[] = [];

  constructor() {
    this.#server = startAiServer(async (request) => {
      const question = new Question(JSON.stringify(await request.json()));
      const tell = this.#waiting.shift();
      if (tell) tell(question);
      else this.#asked.push(question);
      return question.answer;
    });
  }

  get url(): string {
    return this.#server.url;
  }

  /** The next question, as soon as it is asked. */
  next(): Promise<Question> {
    const question = this.#asked.shift();
    return question ? Promise.resolve(question) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

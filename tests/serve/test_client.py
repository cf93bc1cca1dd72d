#!/usr/bin/env python3
"""The official client of OpenAI, unchanged."""
import sys

from serving import Server, check, finish, poems, talk

try:
    import openai
except ImportError:
    print("SKIP: no package openai")
    sys.exit(77)

server = Server([poems(), talk()], "--api-key", "secret")
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="secret", max_retries=0)
check([m.id for m in client.models.list()] == ["poems", "talk"], "models")
user = [{"role": "user", "content": "hello"}]

reply = client.chat.completions.create(model="talk", messages=user, max_tokens=8, seed=1, logprobs=True, top_logprobs=2)
check(reply.choices[0].message.role == "assistant" and reply.usage.completion_tokens <= 8, "chat", reply)
check(len(reply.choices[0].logprobs.content[0].top_logprobs) == 2, "logprobs", reply)
stream = client.chat.completions.create(model="talk", messages=user, max_tokens=8, seed=1, stream=True, stream_options={"include_usage": True})
pieces = list(stream)
text = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
check(text.replace("\ufffd", "") == reply.choices[0].message.content.replace("\ufffd", ""), "stream", text, reply)
check(pieces[-1].usage == reply.usage, "usage", pieces[-1], reply)

written = client.completions.create(model="poems", prompt="The moon ", max_tokens=20, temperature=0, logprobs=1)
check("你" in written.choices[0].text and len(written.choices[0].logprobs.tokens) == 20, "completions", written)
with client.completions.create(model="poems", prompt="The moon ", max_tokens=60, stream=True) as stream:
    next(iter(stream))  # and leaves

for error, ask in ((openai.NotFoundError, lambda: client.chat.completions.create(model="none", messages=user)),
                   (openai.BadRequestError, lambda: client.chat.completions.create(model="talk", messages=user, tools=[{"type": "function"}])),
                   (openai.AuthenticationError, lambda: client.with_options(api_key="wrong").models.list())):
    try:
        ask()
        check(False, f"{error.__name__} is raised")
    except error as problem:
        check(problem.body["message"], "an error has a message", problem)
server.stop()
finish()

"""Who are you, what can you do, greetings, and everything the toy does not know."""
from words import (ANIMALS, CITIES, COLOURS, COUNTRIES, FOODS, JOBS, PLACES, THINGS, Talk, article,
                   pick_key, plural)

SKILLS = ("I can tell short stories, do small sums, answer questions about a paragraph, "
          "extract JSON and call a tool.")
WHO = ("I am the Phial demo, a toy language model with 7 million parameters. " + SKILLS +
       " I know nothing else.")
CAN = (SKILLS + ' Try: "Tell me a story about a fox and a lantern." or "What is 17 + 25?" '
       "I am a toy model, so I know nothing else.")
NOT = ("No. I am the Phial demo, a toy language model with 7 million parameters. "
       "For real answers, run Phial with a real Phi model.")
HELLO = "Hello! I am the Phial demo, a toy language model. Ask me for a short story or a small sum."
THANKS = "You are welcome!"
BYE = "Goodbye!"
UNKNOWN = "I am only a toy model and I do not know that. " + SKILLS
TOO_BIG = "I am only a toy model. I can add and subtract numbers up to 99 and multiply up to 10."

_BEFORE = ["", "", "", "", "Hi, ", "Hello, ", "Hey, ", "Please tell me: ", "Tell me, ", "So, ", "OK, ",
           "Quick question: ", "I wonder, ", "Excuse me, ", "Hello! ", "Hi! ", "Well, ", "Sorry, "]
_AFTER = ["", "", "", "", " Please.", " Tell me.", " Thanks.", " I want to know.", " Be brief.",
          " In one sentence.", " Please answer.", " I am curious."]

_WHO_CORES = ["who are you?", "what are you?", "who is this?", "who am I talking to?", "what is your name?",
              "what's your name?", "are you a language model?", "are you an AI?", "are you a robot?",
              "are you human?", "tell me about yourself.", "introduce yourself.", "describe yourself.",
              "what model are you?", "which model are you?", "what kind of model are you?",
              "what is Phial?", "what is the Phial demo?", "what is this?", "who made you?",
              "how big are you?", "how many parameters do you have?", "are you a toy?", "what is this model?",
              "what is the name of this model?", "say who you are.", "what should I call you?",
              "can you introduce yourself?", "could you tell me who you are?", "do you have a name?",
              "explain what you are.", "are you a real person?", "are you a bot?", "who is answering me?",
              "what sort of assistant are you?", "what am I talking to?", "please introduce yourself."]
_CAN_CORES = ["what can you do?", "what can you do for me?", "how can you help me?", "can you help me?",
              "what are you good at?", "what are your skills?", "what do you know?", "help", "help me.",
              "what can I ask you?", "what should I ask you?", "what are you able to do?",
              "list your skills.", "show me what you can do.", "what do you do?", "what are you for?",
              "give me an example of what you can do.", "tell me what you can do.", "how do I use you?",
              "what questions can you answer?", "what tasks can you do?", "what are your abilities?",
              "can you do anything useful?", "how does this work?", "what now?"]
_MODELS = ["ChatGPT", "GPT-4", "GPT", "Phi-4", "Phi-4-mini", "Phi", "Phi-3", "Llama", "Gemini", "Claude",
           "Mistral", "Copilot", "Siri", "Alexa", "Qwen", "DeepSeek", "a Phi model", "a real Phi model"]
_NOT_CORES = ["are you {m}?", "is this {m}?", "you are {m}, right?", "are you as good as {m}?",
              "am I talking to {m}?", "are you the same as {m}?", "are you based on {m}?"]
_HELLO_CORES = ["hello", "hi", "hey", "good morning", "good evening", "good afternoon", "hello there",
                "hi there", "hey there", "greetings", "howdy", "hello, how are you?", "how are you?",
                "hi, how are you?", "how are you today?", "how is it going?", "what's up?", "nice to meet you",
                "hello phial", "hi phial", "hello model", "hello demo", "good day", "hello again", "test",
                "hello world", "yo", "are you there?", "anybody there?", "hello computer"]
_THANKS_CORES = ["thanks", "thank you", "thanks a lot", "thank you very much", "many thanks", "great, thanks",
                 "that is great", "well done", "good job", "nice", "very good", "cool, thanks", "ok, thanks",
                 "perfect", "that was helpful", "great", "wonderful, thank you", "thank you, that is all"]
_BYE_CORES = ["bye", "goodbye", "bye bye", "see you", "see you later", "good night", "see you tomorrow",
              "that is all, bye", "I have to go", "I am done, goodbye", "farewell", "talk to you later"]
_UNKNOWN_CORES = [
    "what is the capital of {c}?", "who is the president of {c}?", "how far is {c} from {d}?",
    "how many people live in {c}?", "what is the weather in {c}?", "when was {c} founded?",
    "what is the best restaurant in {c}?", "how do I get to {c}?", "what time is it in {c}?",
    "write a poem about {a}.", "write a song about {a}.", "write a haiku about {p}.", "tell me a joke.",
    "tell me a joke about {a}.", "write a Python function that sorts a list.", "write code for {o}.",
    "write a C program that prints {n} numbers.", "fix my code.", "what does this code do?",
    "how do I become {j}?", "what does {j} earn?", "what does {j} do?", "how do I cook {f}?",
    "what is a good recipe for {f}?", "is {f} healthy?", "how many calories are in {f}?",
    "translate this to French: I like {f}.", "translate {o} into German.", "how do you say {a} in Spanish?",
    "who invented {o}?", "how does {o} work?", "how much is {o}?", "where can I buy {o}?",
    "why is the sky blue?", "why is the sky {k}?", "what is the meaning of life?", "how old is the universe?",
    "what is the speed of light?", "who won the world cup in {y}?", "what happened in {y}?",
    "who was king in {y}?", "explain quantum physics.", "explain black holes.", "what is gravity?",
    "what is the tallest mountain in the world?", "what is the largest ocean?", "how long do {a} live?",
    "what do {a} eat?", "how fast is {a}?", "can {a} swim?", "why does {a} sleep?", "who wrote Hamlet?",
    "what is the news today?", "what day is it today?", "what is the date?", "what is the stock price of {x}?",
    "who is {x}?", "what is {x}?", "what does {x} mean?", "define {x}.", "have you heard of {x}?",
    "do you know {x}?", "do you like {x}?", "do you like {f}?", "tell me about {c}.", "tell me about {x}.",
    "summarise the history of {c}.", "give me advice about {o}.", "write an email to my boss.",
    "write an essay about {p}.", "how do I fix {o}?", "what should I wear today?", "am I right?",
    "what is your favourite colour?", "what is love?", "can you see me?", "play chess with me.",
    "what is the square root of {n}?", "what is pi?", "solve x + {n} = 50.", "how do I install Linux?",
    "what is a compiler?", "what is machine learning?", "how do airplanes fly?", "draw {a}.",
    "which is better, {c} or {d}?", "recommend a book.", "what is a good film?", "who is your favourite singer?",
    "how do I lose weight?", "what medicine helps with a cold?", "is it going to rain in {c}?"]


def _dress(rng, core):
    before, after = rng.choice(_BEFORE), rng.choice(_AFTER)
    if before.endswith(", ") or before.endswith(": "):
        text = before + core
    else:
        text = before + (core[0].upper() + core[1:] if rng.random() < 0.75 else core)
    if rng.random() < 0.2 and text[-1] in "?.":
        text = text[:-1]
        return text
    return text + after


def _fill(words, core):
    rng = words.rng
    slots = {"c": words.mixed(COUNTRIES if rng.random() < 0.4 else CITIES, 0.3), "d": words.city(), "a": words.noun(ANIMALS),
             "p": "the " + words.noun(PLACES), "o": article(words.noun(THINGS)),
             "j": article(words.noun(JOBS)), "f": words.noun(FOODS), "k": rng.choice(COLOURS),
             "n": str(rng.randint(2, 200)), "y": str(rng.randint(1200, 2026)), "x": words.invented(rng.random() < 0.7),
             "m": rng.choice(_MODELS)}
    if rng.random() < 0.4 and "{a}" in core:
        slots["a"] = rng.choice([plural(slots["a"]), article(slots["a"])])
    return core.format(**slots)


_KINDS = [(0.22, _WHO_CORES, WHO), (0.16, _CAN_CORES, CAN), (0.08, _NOT_CORES, NOT), (0.1, _HELLO_CORES, HELLO),
          (0.05, _THANKS_CORES, THANKS), (0.03, _BYE_CORES, BYE), (0.36, _UNKNOWN_CORES, UNKNOWN)]
_PLAIN = (HELLO, THANKS, BYE)


def make(words):
    """One question about the model itself or beyond its knowledge."""
    rng = words.rng

    def draw():
        kind = rng.choices(_KINDS, [k[0] for k in _KINDS])[0]
        core = _fill(words, rng.choice(kind[1]))
        if kind[2] in _PLAIN:
            text = rng.choice([core, core.capitalize(), core.capitalize()]) + rng.choice(["", "", "!", "."])
            text = text.replace("?!", "?").replace("?.", "?")
        else:
            text = _dress(rng, core)
        return (text, kind[2]), ("talk", text)

    text, answer = pick_key(rng, words.test, draw)
    return Talk("identity", [dict(role="user", content=text), dict(role="assistant", content=answer)],
                {"about": "self" if answer in (WHO, CAN, NOT) else "other"})

"""The tools that the tools skill draws from: names, arguments, requests and results."""
from dataclasses import dataclass

from words import ANIMALS, COLOURS, DAYS, FOODS, THINGS


@dataclass
class Tool:
    """A tool, the arguments it takes, how users ask for it and how its result is told."""
    names: list               # names it may go by
    about: list               # descriptions
    arguments: dict           # name -> (JSON type, description, draw)
    asks: list                # with {argument} slots
    result: callable = None   # (words, arguments) -> (object, sentence)


def draw_city(w): return w.city()
def _first(w): return w.first()
def draw_thing(w): return w.noun(THINGS)
def _food(w): return w.noun(FOODS)
def _day(w): return w.rng.choice(DAYS)
def _clock(w): return f"{w.rng.randint(0, 23)}:{w.rng.choice(['00', '10', '15', '30', '45'])}"
def draw_small(w): return w.rng.randint(1, 99)
def _room(w): return w.rng.choice("kitchen bedroom bathroom office hall garage attic".split())
def _colour(w): return w.rng.choice(COLOURS)
def _language(w): return w.rng.choice("French German Spanish Italian Greek Latin Polish Dutch Danish".split())
def _phrase(w): return f"{w.rng.choice('buy find bring clean paint wash sell mend'.split())} the {w.noun(THINGS)}"


def _weather(w, a):
    sky, degrees = w.rng.choice("sunny rainy cloudy windy snowy foggy clear stormy".split()), w.rng.randint(-20, 40)
    return {"sky": sky, "temperature": degrees}, f"It is {sky} in {a['city']} with {degrees} degrees."


def _time(w, a):
    clock = _clock(w)
    return {"time": clock}, f"It is {clock} in {a['city']}."


def _done(w, a):
    return {"status": "ok"}, "Done."


def _price(w, a):
    price = w.rng.choice([draw_small(w), w.rng.randint(1, 9999) / 100])
    return {"price": price}, f"The price is {price}."


def _message(w, a):
    return {"sent": True}, "The message was sent."


def _found(w, a):
    number = "".join(w.rng.choice("0123456789") for _ in range(6))
    return {"number": number}, f"The number is {number}."


TOOLS = [
    Tool(["get_weather", "get_weather_updates", "weather", "current_weather", "fetch_weather"],
         ["Fetches weather updates for a given city.", "Get the weather.", "Get the current weather in a city"],
         {"city": ("string", "The name of the city", draw_city)},
         ["What is the weather in {city}?", "What is the weather like in {city} today?",
          "How is the weather in {city}?", "Is it raining in {city}?", "Weather in {city}",
          "Tell me the weather in {city}.", "Is it cold in {city}?"],
         _weather),
    Tool(["get_time", "current_time", "clock", "get_local_time"],
         ["Gets the local time of a city.", "Tells the time"],
         {"city": ("string", "The city", draw_city)},
         ["What time is it in {city}?", "Tell me the time in {city}.",
          "What is the local time in {city}?", "Time in {city}?"], _time),
    Tool(["set_timer", "start_timer", "timer"], ["Starts a timer.", "Set a kitchen timer"],
         {"minutes": ("integer", "Length in minutes", draw_small)},
         ["Set a timer for {minutes} minutes.", "Start a timer of {minutes} minutes.", "Wake me in {minutes} minutes.",
          "I need a {minutes} minute timer."], _done),
    Tool(["add_event", "create_event", "add_calendar_event", "calendar"],
         ["Adds an event to the calendar.", "Create a calendar entry"],
         {"title": ("string", "Title of the event", _phrase), "day": ("string", "Day of the week", _day)},
         ["Add {title} to my calendar on {day}.", "Put {title} in my calendar for {day}.",
          "Remind me on {day} to {title}.", "Create an event on {day}: {title}."], _done),
    Tool(["play_music", "play_song", "music", "play"], ["Plays music by an artist.", "Play music"],
         {"artist": ("string", "Name of the artist", lambda w: w.person())},
         ["Play music by {artist}.", "Play something by {artist}.", "I want to hear {artist}.",
          "Play {artist}, please."],
         _done),
    Tool(["send_message", "send_text", "message"], ["Sends a message to a person.", "Send a text message"],
         {"to": ("string", "Who gets the message", _first), "text": ("string", "The message", _phrase)},
         ["Send a message to {to}: {text}", "Tell {to} to {text}.", "Text {to} to {text}.", 'Send "{text}" to {to}.'],
         _message),
    Tool(["get_price", "price_lookup", "find_price"], ["Looks up the price of a product.", "Get a price"],
         {"product": ("string", "The product", draw_thing)},
         ["How much is the {product}?", "What does the {product} cost?", "What is the price of the {product}?",
          "Look up the price of the {product}."], _price),
    Tool(["order_food", "order_meal", "food_order"], ["Orders food to an address.", "Order a meal"],
         {"dish": ("string", "What to order", _food), "count": ("integer", "How many portions", draw_small)},
         ["Order {count} portions of {dish}.", "I want {count} portions of {dish}.",
          "Please get me {count} plates of {dish}."], _done),
    Tool(["find_phone", "phone_book", "get_phone_number"], ["Finds the phone number of a person.", "Phone book"],
         {"name": ("string", "Name of the person", lambda w: w.person())},
         ["What is the phone number of {name}?", "Find the number of {name}.",
          "I need {name}'s phone number."], _found),
    Tool(["set_light", "lamp", "change_light"], ["Sets the colour of the light in a room.", "Control a lamp"],
         {"room": ("string", "The room", _room), "colour": ("string", "The colour", _colour)},
         ["Make the light in the {room} {colour}.", "Set the {room} light to {colour}.",
          "Turn the {room} lamp {colour}."], _done),
    Tool(["book_train", "book_ticket", "train_ticket"], ["Books a train ticket between two cities.", "Book a train"],
         {"from": ("string", "Where the journey starts", draw_city), "to": ("string", "Where it ends", draw_city)},
         ["Book a train from {from} to {to}.", "I need a ticket from {from} to {to}.",
          "Get me a train ticket from {from} to {to}."], _done),
    Tool(["add_numbers", "add", "sum"], ["Adds two numbers.", "Add"],
         {"a": ("integer", "First number", draw_small), "b": ("integer", "Second number", draw_small)},
         ["Use the tool to add {a} and {b}.", "Add {a} and {b} with the tool."], None),
    Tool(["translate", "translate_word"], ["Translates a word into a language.", "Translate"],
         {"word": ("string", "The word", lambda w: w.noun(ANIMALS)),
          "language": ("string", "The language", _language)},
         ["Translate {word} into {language}.", "What is {word} in {language}?",
          "How do you say {word} in {language}?"], None),
    Tool(["search", "web_search", "search_web"], ["Searches the web.", "Search for pages"],
         {"query": ("string", "What to search for", lambda w: f"{_colour(w)} {w.noun(THINGS)}")},
         ["Search for {query}.", "Search the web for {query}.", "Look up {query}.",
          "Find pages about {query}."], None),
    Tool(["book_table", "reserve_table"], ["Reserves a table in a restaurant.", "Book a table"],
         {"people": ("integer", "How many people", draw_small), "time": ("string", "When", _clock)},
         ["Book a table for {people} people at {time}.", "Reserve a table at {time} for {people} people."], _done),
    Tool(["set_alarm", "alarm"], ["Sets an alarm.", "Wake the user"],
         {"time": ("string", "Time of day", _clock)},
         ["Set an alarm for {time}.", "Wake me at {time}.", "Alarm at {time}"], _done),
]

"""The styles: what each family plays, at which tempi, in which metres. Tempi count felt beats.

A layer is (role, figures, instruments, chance of being in the piece); an instrument is a General
MIDI program or the name of a synthesised voice.
"""
PIANO = [0, 0, 1, 3]
EPIANO = [4, 5, "epiano", 2]
GUITAR = [24, 25, 26, 27, "pluck", 28]
ACOUSTIC = [24, 25, "pluck"]
DISTORTED = [29, 30, 30, "distorted", "distorted"]
BASS = [32, 33, 34, 35, 36, 37, "sub", 33]
SYNTH_BASS = [38, 39, "acid", "reese", "sub", "saw", "bass808", "square"]
STRINGS = [40, 41, 42, 48, 49, "bowed", "bowed", 44]
ORGAN = [16, 17, 18, 19, 20, "organ"]
LEADS = [80, 81, 82, 84, 87, "saw", "supersaw", "square", "fm"]
PADS = [50, 51, 88, 89, 90, 91, 94, 95, "pad", "supersaw", "pad"]
BRASS = [56, 57, 60, 61, 62, 65, 66]
WINDS = [68, 69, 70, 71, 73, 74, "flute", 72, 60]
SOLOS = [0, 11, 22, 26, 27, 29, 40, 52, 53, 56, 57, 61, 64, 65, 66, 68, 71, 73, 75, 80, 81, "voice", "voice", "saw", "flute"]
FOLK = [40, 40, 110, 73, 72, 75, 78, 79, 21, 22, 109, 105, 15, "bowed", "flute", "voice", "accordion"]
CHOIR = [52, 53, 54, "voice"]
HARPSI = [6, 7]
MALLET = [8, 9, 11, 12, 13, 14, 10, "bell", "marimba"]
CHIP = ["square", "square", "tri", 80]

FOUR = {"4/4": 1}
MIX = {"4/4": 70, "3/4": 10, "6/8": 9, "5/4": 3, "7/8": 2, "7/4": 1.5, "6/4": 2}
MACHINE = {"const": 92, "step": 2, "ramp": 3, "sine": 3}
BAND = {"const": 30, "human": 38, "drift": 12, "ramp": 7, "step": 6, "sine": 7}
PLAYERS = {"human": 34, "drift": 20, "rubato": 22, "sine": 8, "ramp": 5, "const": 11}
FREE = {"rubato": 62, "drift": 14, "fermata": 14, "human": 8, "sine": 6}
STRICT = {"human": 45, "const": 20, "drift": 20, "rubato": 10, "sine": 5}

POP_LAYERS = [("bass", ["beat", "eights", "kick", "sync", "one"], BASS, .9),
              ("comp", ["strum", "beat", "offbeat", "pad", "sync", "arp", "strum16", "repeat8"], GUITAR + PIANO + EPIANO, .9),
              ("comp", ["pad", "arp", "sync", "beat", "strum", "power"], GUITAR + ORGAN + PADS + DISTORTED, .5),
              ("melody", ["pop", "sync", "classical", "chant"], SOLOS, .7)]
METAL_LAYERS = [("bass", ["eights", "kick", "beat"], [33, 34, "reese"], .8), ("comp", ["chug", "chug16", "power", "repeat16"], DISTORTED, 1),
                ("comp", ["chug", "power", "pad", "arpfast"], DISTORTED, .7), ("melody", ["run", "pop", "even4", "chant"], [30, "distorted", "voice", 29], .4)]
CLUB_LAYERS = [("bass", ["off", "rolling", "eights", "kick", "octaves", "sync"], SYNTH_BASS, .9),
               ("comp", ["sync", "offbeat", "gate", "arpfast", "pad", "tresillo"], LEADS + PADS + [0, 4, 16], .85),
               ("comp", ["pad", "arpfast", "gate", "arp"], PADS + LEADS, .6), ("melody", ["pop", "sync", "long", "even4"], LEADS + ["voice", "bell"], .5)]

S = {}


def style(name, family, weight, bpm, layers, drums=None, **options):
    S[name] = dict(family=family, weight=weight, bpm=bpm, layers=layers, drums=drums, **options)


# bands
style("rock", "band", 6, (85, 165), POP_LAYERS, ["rock"], meters=MIX, time=BAND)
style("pop", "band", 5, (80, 135), POP_LAYERS, ["pop", "rock"], meters=MIX, time={"const": 70, "human": 20, "drift": 10}, synth=.4)
style("motown", "band", 1, (100, 140), POP_LAYERS, ["motown", "rock"], time=BAND)
style("halftime", "band", 1.5, (115, 170), POP_LAYERS, ["half"], time=BAND)
style("ballad", "band", 4, (55, 82), POP_LAYERS, ["ballad"], meters={"4/4": 8, "3/4": 1, "6/8": 1.5}, time=BAND, loud=False)
style("clap", "band", 1.2, (75, 140), POP_LAYERS, ["clapstomp", "hand"], time=BAND)
style("oddband", "band", 3.6, (100, 170), POP_LAYERS, ["rock"], meters={"5/4": 3, "7/8": 3, "7/4": 2, "6/4": 1, "5/8": 0.7}, time=BAND)
style("changing", "band", 1.8, (90, 160), POP_LAYERS, ["rock"], meters={"4/4": 2, "3/4": 1}, changes=["4/4", "3/4", "5/4", "2/4"], time=BAND)
style("punk", "metal", 2.5, (155, 215), METAL_LAYERS, ["punk"], time=BAND, loud=True)
style("thrash", "metal", 2.5, (150, 230), METAL_LAYERS, ["thrash", "doublekick"], time=BAND, loud=True)
style("blast", "metal", 2.2, (165, 245), METAL_LAYERS, ["blast", "doublekick", "breakdown"], time=BAND, loud=True)
style("groovemetal", "metal", 1.8, (85, 150), METAL_LAYERS, ["breakdown", "doublekick", "rock"], meters={"4/4": 8, "6/8": 1, "7/8": .7}, time=BAND, loud=True)
# dance and electronic
style("house", "club", 3, (115, 131), CLUB_LAYERS, ["house"], plan="club", synth=.85)
style("disco", "club", 1.5, (105, 130), CLUB_LAYERS + [("comp", ["strum16"], [27, 28], .5)], ["disco"], plan="club", synth=.3)
style("techno", "club", 2.5, (124, 150), CLUB_LAYERS[:2] + CLUB_LAYERS[2:3], ["techno"], plan="club", synth=.95)
style("trance", "club", 2, (130, 150), [("bass", ["off", "rolling"], SYNTH_BASS, 1)] + CLUB_LAYERS[1:], ["trance"], plan="club", synth=.95)
style("hardstyle", "club", 1, (150, 200), CLUB_LAYERS, ["trance", "techno"], plan="club", synth=1, loud=True)
style("dnb", "club", 3, (160, 182), CLUB_LAYERS, ["dnb"], plan="club", synth=.7)
style("breaks", "club", 1.7, (110, 145), CLUB_LAYERS, ["breakbeat"], plan="club", synth=.6)
style("dubstep", "club", 1.7, (136, 150), CLUB_LAYERS, ["dubstep"], plan="club", synth=.95, loud=True)
style("trap", "club", 2, (126, 156), [("bass", ["kick", "sync"], ["bass808", "sub"], .9)] + CLUB_LAYERS[1:], ["trap"], plan="club", synth=.9)
style("synthwave", "club", 1.5, (80, 125), [("bass", ["eights", "octaves"], SYNTH_BASS, 1)] + CLUB_LAYERS[1:], ["synthwave"], plan="club", synth=.9)
style("chiptune", "chip", 2.2, (100, 185), [("bass", ["eights", "octaves", "beat", "walk"], CHIP, .95), ("comp", ["arpfast", "arp", "gate"], CHIP, .8), ("melody", ["even4", "pop", "even2", "classical"], CHIP, .95)],
      ["chip", "rock", "punk"], meters={"4/4": 8, "3/4": 1}, synth=1, chip=True)
style("chipsolo", "chip", .9, (90, 170), [("bass", ["eights", "octaves", "walk"], CHIP, 1), ("comp", ["arpfast", "alberti"], CHIP, .6), ("melody", ["even4", "classical", "even2"], CHIP, 1)], meters={"4/4": 6, "3/4": 2, "6/8": 1}, time=MACHINE)
style("lofi", "hiphop", 1.5, (70, 92), [("bass", ["one", "kick", "sync"], BASS, .9), ("comp", ["pad", "charleston", "halves", "sync"], EPIANO + PIANO, 1), ("melody", ["pop", "sync"], SOLOS + MALLET, .4)], ["hiphop"], swing=(.52, .66), unit=.25, synth=.5)
style("hiphop", "hiphop", 3, (78, 104), [("bass", ["kick", "sync", "one"], BASS + SYNTH_BASS, .95), ("comp", ["sync", "pad", "beat", "arp"], PIANO + STRINGS + EPIANO + PADS, .8), ("melody", ["sync", "pop", "run"], SOLOS + ["voice"], .5)], ["hiphop", "breakbeat"], swing=(.5, .62), unit=.25, synth=.6)
style("chanting", "hiphop", .7, (80, 105), [("melody", ["run", "even4", "sync"], ["voice", 53], 1)], ["hiphop", "clapstomp"], synth=.6)
# groove traditions
style("funk", "groove", 3, (88, 122), [("bass", ["sync", "dub"], [33, 36, 37, 34, "saw"], 1), ("comp", ["strum16", "sync", "charleston"], [27, 28, 7, 4], .95), ("comp", ["sync", "offbeat"], BRASS + ORGAN, .5), ("melody", ["sync", "pop"], SOLOS, .4)], ["funk"], swing=(.5, .58), unit=.25, time=BAND)
style("reggae", "groove", 2.2, (62, 92), [("bass", ["dub"], BASS, 1), ("comp", ["offbeat"], GUITAR + ORGAN, 1), ("comp", ["bubble", "pad"], ORGAN, .6), ("melody", ["pop", "sync"], SOLOS, .5)], ["onedrop", "steppers"], swing=(.5, .62), time=BAND)
style("ska", "groove", 1.3, (115, 165), [("bass", ["walk", "beat"], BASS, 1), ("comp", ["offbeat"], GUITAR, 1), ("melody", ["pop", "sync", "swung"], BRASS, .7)], ["ska"], swing=(.5, .6), time=BAND)
style("salsa", "groove", 2, (150, 210), [("bass", ["tumbao"], BASS, 1), ("comp", ["montuno"], [0, 0, 1, 25], .9), ("melody", ["pop", "sync"], BRASS, .6)], ["son", "rumba"], time=BAND)
style("songuajira", "groove", 1.3, (85, 125), [("bass", ["tumbao", "bossa"], BASS, 1), ("comp", ["montuno", "tresillo"], ACOUSTIC + [0], .9), ("melody", ["pop", "sync"], SOLOS, .6)], ["son", "rumba", "hand"], time=BAND)
style("bossa", "groove", 1.5, (110, 165), [("bass", ["bossa"], BASS, 1), ("comp", ["sync", "charleston"], ACOUSTIC + PIANO, 1), ("melody", ["pop", "sync"], SOLOS, .6)], ["bossa"], time=BAND)
style("samba", "groove", 1.2, (88, 125), [("bass", ["bossa", "sync"], BASS, .7), ("comp", ["strum16", "sync"], ACOUSTIC, .7), ("melody", ["pop", "sync"], SOLOS, .5)], ["samba"], time=BAND)
style("reggaeton", "groove", 1.2, (85, 105), CLUB_LAYERS, ["reggaeton"], synth=.8, plan="club")
style("afro", "groove", 2.3, (75, 130), [("bass", ["sync", "one"], BASS, .7), ("comp", ["arp", "sync", "repeat8"], GUITAR + MALLET, .8), ("melody", ["triplet", "pop"], SOLOS, .5)], ["afro12"], meters={"12/8": 1}, time=BAND)
style("handdrums", "groove", 1.6, (80, 150), [("comp", ["sync", "arp"], GUITAR + MALLET, .3), ("melody", ["pop", "even4"], FOLK, .4)], ["hand", "samba", "rumba"], meters={"4/4": 8, "3/4": 1, "7/8": 1, "6/8": 1}, time=BAND)
style("drumsolo", "groove", 2, (75, 180), [("melody", ["long"], SOLOS, .08)], ["rock", "funk", "punk", "shuffle", "dnb", "march", "breakbeat", "hiphop"], meters=MIX, time=BAND, synth=.35)
# swing and roots
style("swing", "jazz", 3, (110, 225), [("bass", ["walk", "walk", "halves"], [32, 32, 33], 1), ("comp", ["charleston", "sync", "beat", "stride"], PIANO + [26, 26], .85), ("melody", ["swung", "sync"], [65, 66, 56, 64, 71, 11, 0, 26, 57], .8)], ["swing"], meters={"4/4": 9, "3/4": 1.5}, swing=(.58, .70), time=BAND, loud=False)
style("jazzballad", "jazz", 1.2, (56, 84), [("bass", ["halves", "one", "beat"], [32], 1), ("comp", ["pad", "charleston", "halves"], PIANO + [26], .9), ("melody", ["air", "pop"], [65, 66, 56, 64], .9)], ["swing", "ballad"], swing=(.56, .67), time=PLAYERS)
style("shuffle", "roots", 2.5, (85, 170), [("bass", ["walk", "eights", "beat"], BASS, 1), ("comp", ["strum", "repeat8", "charleston", "beat"], GUITAR + PIANO + [16], .9), ("melody", ["swung", "sync"], SOLOS, .6)], ["shuffle"], swing=(.6, .70), time=BAND)
style("gospel", "roots", 2.2, (48, 78), [("bass", ["one", "beat", "sync"], BASS, 1), ("comp", ["repeat8", "beat", "arp"], ORGAN + PIANO, 1), ("melody", ["compound_air"], CHOIR + SOLOS, .7)], ["gospel12"], meters={"12/8": 3, "6/8": 2}, time=BAND)
style("country", "roots", 2, (90, 130), [("bass", ["halves", "oompah"], BASS, 1), ("comp", ["oompah", "strum"], ACOUSTIC, 1), ("melody", ["even2", "pop", "even4"], [25, 105, 40, 22, "voice"], .7)], ["train", "rock"], time=BAND)
style("march", "roots", 1.8, (96, 128), [("bass", ["oompah", "beat"], [58, 58, 33], 1), ("comp", ["after", "oompah", "offbeat"], BRASS + WINDS, .9), ("melody", ["dotted", "classical", "chant"], BRASS + WINDS, .9)], ["march"], meters={"4/4": 2, "2/4": 2, "2/2": 2, "6/8": 1.5}, time=STRICT)
style("polka", "roots", 1.4, (100, 135), [("bass", ["oompah"], [58, 32], 1), ("comp", ["offbeat", "after"], [21, "accordion", 25], 1), ("melody", ["even4", "even2"], [21, 71, "accordion", 56], .9)], ["polka"], meters={"2/4": 3, "4/4": 1}, time=STRICT, mute=.4)
style("waltzband", "roots", 2, (85, 190), [("bass", ["one"], BASS, 1), ("comp", ["oompah", "strum", "arp"], GUITAR + PIANO + [21], 1), ("melody", ["air", "classical", "even2"], SOLOS, .7)], ["waltz"], meters={"3/4": 1}, time=STRICT)
style("slow68", "roots", 1.4, (46, 75), POP_LAYERS[:2] + [("melody", ["compound_air"], SOLOS, .7)], ["rock"], meters={"6/8": 3, "12/8": 1}, time=BAND)
style("folkband", "roots", 1.6, (90, 125), [("bass", ["halves", "beat"], BASS, .7), ("comp", ["strum16", "strum", "oompah"], ACOUSTIC, .9), ("melody", ["even4"], FOLK, 1)], ["train", "hand", "clapstomp"], meters={"4/4": 1, "2/2": 2}, time=STRICT)
# no drums: folk
TUNE = dict(time=STRICT, plan="plain", pickup=.5, modes={"major": 4, "dorian": 2, "mixolydian": 2, "minor": 1})
BACKING = ("comp", ["oompah", "strum", "beat", "offbeat", "halves"], ACOUSTIC + [0, 21, "accordion"], .4)
DRONE = ("pad", ["pad"], [109, 20, "organ", "accordion"], .15)
style("reel", "folk", 2, (88, 122), [("melody", ["even4"], FOLK, 1), BACKING, DRONE], meters={"2/2": 1}, **TUNE)
style("reel4", "folk", 1.4, (165, 225), [("melody", ["even2"], FOLK, 1), BACKING], meters={"4/4": 1}, accent="quarter", **TUNE)
style("jig", "folk", 2.2, (95, 132), [("melody", ["jig"], FOLK, 1), BACKING, DRONE], meters={"6/8": 4, "9/8": 1.6, "12/8": .5}, **TUNE)
style("hornpipe", "folk", 1.3, (140, 190), [("melody", ["even2", "even2", "triplet"], FOLK, 1), BACKING], meters={"4/4": 1}, swing=(.58, .68), accent="quarter", **TUNE)
style("strathspey", "folk", 1, (100, 140), [("melody", ["snap"], FOLK, 1), BACKING], meters={"4/4": 1}, **TUNE)
style("folkpolka", "folk", 1, (105, 145), [("melody", ["even4", "even2"], FOLK, 1), BACKING], meters={"2/4": 1}, **TUNE)
style("folkwaltz", "folk", 1.2, (100, 180), [("melody", ["air", "even2", "classical"], FOLK, 1), ("comp", ["oompah"], ACOUSTIC + [21, "accordion"], .5)], meters={"3/4": 1}, **TUNE)
style("air", "folk", 1.3, (55, 95), [("melody", ["air", "classical"], FOLK + ["voice", "flute"], 1), ("comp", ["pad", "arp", "halves"], [46, 24, 48], .35)], meters={"4/4": 2, "3/4": 2, "6/8": 1}, **{**TUNE, "time": FREE})
style("balkan", "folk", 1.4, (90, 150), [("melody", ["even2"], FOLK, 1), ("comp", ["oompah", "beat", "strum"], ACOUSTIC + [21], .6)], meters={"7/8": 3, "5/8": 1}, **TUNE)
style("chant", "folk", .8, (70, 125), [("melody", ["chant", "pop"], ["voice", 52, 53], 1), ("comp", ["pad"], CHOIR, .3)], plan="plain", time=PLAYERS, meters={"4/4": 3, "3/4": 1})
style("picking", "folk", 2, (70, 145), [("comp", ["arp", "broken", "oompah", "alberti"], ACOUSTIC, 1), ("bass", ["halves", "one", "oompah"], ACOUSTIC, .5), ("melody", ["pop", "air"], ["voice", 24, 73, "flute", 25], .5)], meters={"4/4": 4, "3/4": 1, "6/8": 1}, plan="plain", time=PLAYERS)
style("strumming", "folk", 1.4, (75, 150), [("comp", ["strum", "strum16"], ACOUSTIC, 1), ("melody", ["pop", "air"], ["voice", "voice", 22], .6)], meters={"4/4": 4, "3/4": 1, "6/8": 1}, plan="plain", time=PLAYERS)
# no drums: keyboards and classical
ART = dict(plan="plain", modes={"major": 5, "minor": 3, "harmonic": 2})
SIMPLE = {"4/4": 5, "3/4": 4, "2/4": 2, "6/8": 2, "2/2": 1}
style("pianoalberti", "piano", 1.6, (90, 165), [("comp", ["alberti", "repeat8", "broken"], [0, 0, 6], 1), ("melody", ["classical", "even4"], [0], 1)], meters=SIMPLE, time=PLAYERS, rests=.3, pickup=.25, **ART)
style("pianosong", "piano", 2, (62, 130), [("bass", ["one", "halves"], [0], .5), ("comp", ["beat", "arp", "strum", "halves", "sync"], [0, 0, 4, 1], 1), ("melody", ["pop", "air", "sync"], [0, "voice", 4], .8)], meters=MIX, time=PLAYERS, plan="plain")
style("romantic", "piano", 2, (55, 120), [("comp", ["nocturne", "arp", "arpfast", "beat"], [0], 1), ("melody", ["air", "classical", "pop"], [0, 0, "voice", 42, 40], 1)], meters={"4/4": 3, "3/4": 3, "6/8": 1, "12/8": 1}, time=FREE, pickup=.3, **ART)
style("mazurka", "piano", 1.2, (105, 165), [("comp", ["oompah"], [0], 1), ("melody", ["dotted", "classical", "triplet"], [0, 0, 40], 1)], meters={"3/4": 1}, time=FREE, accent="mazurka", pickup=.3, **ART)
style("pianowaltz", "piano", 1, (120, 200), [("comp", ["oompah"], [0], 1), ("melody", ["air", "classical", "even2"], [0], 1)], meters={"3/4": 1}, time=PLAYERS, pickup=.3, **ART)
style("stride", "piano", 1, (95, 200), [("comp", ["stride"], [0, 3], 1), ("melody", ["sync", "even2", "swung"], [0, 3], 1)], meters={"4/4": 3, "2/4": 1}, swing=(.5, .66), time=PLAYERS, plan="plain")
style("chorale", "classical", 2, (58, 100), [("comp", ["chorale"], CHOIR + [19, 48, 0, "organ", "voice"], 1), ("melody", ["chant"], CHOIR + [19, "organ"], .5)], meters={"4/4": 4, "3/4": 1}, time={"fermata": 5, "rubato": 3, "human": 2}, pickup=.5, **ART)
style("quartet", "classical", 2.6, (66, 150), [("melody", ["classical", "air", "even4"], [40, "bowed", 48], 1), ("comp", ["repeat8", "after", "pad", "beat", "repeat16"], [41, 48, "bowed", 45], 1), ("bass", ["one", "beat", "eights"], [42, 43, "bowed"], .9)], meters=SIMPLE, time=PLAYERS, rests=.35, pickup=.3, **ART)
style("slowstrings", "classical", 1.4, (50, 80), [("comp", ["pad", "halves", "beat"], STRINGS, 1), ("melody", ["air", "long"], STRINGS, 1), ("bass", ["one", "halves"], [42, 43, "bowed"], .7)], meters={"4/4": 3, "3/4": 2}, time=FREE, **ART)
style("allegro", "classical", 1.8, (110, 170), [("melody", ["classical", "sync", "even4"], [40, 48, 73], 1), ("comp", ["repeat8", "after", "beat"], [48, 49, 60], 1), ("bass", ["eights", "beat"], [43, 42, 48], .9)], meters=SIMPLE, time=STRICT, rests=.6, pickup=.35, **ART)
style("organ", "classical", 1.1, (60, 110), [("comp", ["pad", "beat", "arp"], [19, 20, "organ"], 1), ("melody", ["even4", "even2", "classical"], [19, "organ"], 1), ("bass", ["beat", "walk8", "one"], [19, "organ"], .7)], meters=SIMPLE, time=PLAYERS, **ART)
style("winds", "classical", 1.3, (72, 150), [("melody", ["classical", "even4", "dotted"], WINDS, 1), ("comp", ["after", "repeat8", "beat", "pad"], WINDS, 1), ("bass", ["beat", "one"], [70, 58], .9)], meters=SIMPLE, time=PLAYERS, rests=.3, pickup=.3, **ART)
style("continuo", "classical", 1.6, (66, 125), [("bass", ["walk8", "walk", "beat"], [42, 43, 32, "bowed"], 1), ("comp", ["beat", "halves", "sync"], HARPSI, 1), ("melody", ["even4", "classical", "dotted"], [40, 73, 68, 74, "flute", "bowed"], .9)], meters={"4/4": 5, "3/4": 3, "12/8": 1, "2/2": 1}, time=STRICT, pickup=.35, **ART)
style("minuet", "classical", 1, (100, 150), [("bass", ["one", "beat"], [42, 0, 6], .8), ("comp", ["oompah", "beat", "after"], [6, 48, 0], .8), ("melody", ["classical", "even2"], [40, 73, 0, 6, 68], 1)], meters={"3/4": 1}, time=STRICT, pickup=.3, **ART)
style("solobach", "classical", 1.3, (60, 115), [("melody", ["run", "even4"], [42, 40, 73, 24, 6, "bowed"], 1)], meters={"4/4": 3, "3/4": 2, "6/8": 1}, time=PLAYERS, **ART)
style("orchestra", "classical", 1.4, (70, 150), [("melody", ["classical", "air", "dotted"], [48, 60, 56, 61], 1), ("comp", ["repeat8", "repeat16", "pad"], [48, 49, 44], 1), ("comp", ["pad", "beat"], [60, 61, 52], .6), ("bass", ["beat", "one", "eights"], [43, 48, 58], .9)], ["march"], meters=SIMPLE, time=PLAYERS, mute=.8, rests=.2, **ART)
style("minimal", "modern", 1.6, (95, 180), [("comp", ["arp", "arpfast", "repeat8"], MALLET + [0, 48, "fm"], 1), ("comp", ["arp", "broken", "sync"], MALLET + [0, "saw"], .9), ("melody", ["long", "air"], STRINGS + WINDS, .4)], meters={"4/4": 5, "3/4": 2, "6/8": 1.5, "5/4": 1, "7/8": 1}, time=MACHINE, plan="plain")
style("ambient", "modern", 1.5, (58, 110), [("pad", ["pad"], PADS, 1), ("comp", ["arp", "broken", "sync", "beat"], MALLET + ["fm", "epiano", 46], 1), ("bass", ["one"], SYNTH_BASS, .4)], meters={"4/4": 4, "3/4": 1}, time=MACHINE, plan="plain")
style("arpsynth", "modern", 1.3, (85, 140), [("comp", ["arpfast", "arp", "gate"], LEADS + ["acid"], 1), ("pad", ["pad"], PADS, .7), ("bass", ["octaves", "eights", "one"], SYNTH_BASS, .7)], time=MACHINE, plan="club")
# only where they are asked for by name: what the others leave the network unsure of
DRIVING = {"const": 60, "human": 28, "drift": 12}
style("doubletime", "metal", 0, (100, 185), METAL_LAYERS, ["double"], time=DRIVING, loud=True)
style("doublemix", "metal", 0, (100, 185), METAL_LAYERS, ["double", "rock", "doublekick", "half", "punk"], time=DRIVING, loud=True)
style("hardrock", "metal", 0, (85, 165), METAL_LAYERS, ["rock", "rock", "double", "half", "doublekick", "breakdown"], time=DRIVING, loud=True)
style("oddeighths", "band", 0, (165, 240), POP_LAYERS, ["rock"], meters={"7/8": 3, "5/8": 1}, time=BAND)

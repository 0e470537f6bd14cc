"""What the import says to a person, in Czech, Polish and English.

Invariant: every reason of an import has a text in every language; a test compares them.
"""

from typing import Final, Literal

from adapters.connectors.refusal import RefusalReason

Lang = Literal["en", "cs", "pl"]

REASONS: Final[dict[RefusalReason, dict[Lang, str]]] = {
    RefusalReason.FILE_MISSING: {"en": "the file is missing", "cs": "soubor chybí", "pl": "brak pliku"},
    RefusalReason.FILE_EMPTY: {
        "en": "the file has no header",
        "cs": "soubor nemá záhlaví",
        "pl": "plik nie ma nagłówka",
    },
    RefusalReason.FILE_UNREADABLE: {
        "en": "the file cannot be read",
        "cs": "soubor nelze přečíst",
        "pl": "nie można odczytać pliku",
    },
    RefusalReason.FILE_CHANGED: {
        "en": "the file was changed while it was read; import it again",
        "cs": "soubor se během čtení změnil; načtěte ho znovu",
        "pl": "plik zmienił się podczas odczytu; zaimportuj go ponownie",
    },
    RefusalReason.NOT_A_WORKBOOK: {
        "en": "not a workbook, or damaged",
        "cs": "není to sešit, nebo je poškozený",
        "pl": "to nie jest skoroszyt albo jest uszkodzony",
    },
    RefusalReason.OLD_FORMAT: {
        "en": "an old format: save it as .xlsx",
        "cs": "starý formát: uložte ho jako .xlsx",
        "pl": "stary format: zapisz jako .xlsx",
    },
    RefusalReason.PASSWORD_PROTECTED: {
        "en": "it has a password: save it without",
        "cs": "je chráněn heslem: uložte ho bez hesla",
        "pl": "jest chroniony hasłem: zapisz bez hasła",
    },
    RefusalReason.HAS_MACROS: {
        "en": "it has macros: save it as .xlsx",
        "cs": "obsahuje makra: uložte ho jako .xlsx",
        "pl": "zawiera makra: zapisz jako .xlsx",
    },
    RefusalReason.TOO_LARGE: {
        "en": "it unpacks to more than can be read",
        "cs": "po rozbalení je příliš velký",
        "pl": "po rozpakowaniu jest za duży",
    },
    RefusalReason.SHEET_MISSING: {"en": "the sheet is missing", "cs": "list chybí", "pl": "brak arkusza"},
    RefusalReason.NOT_CALCULATED: {
        "en": "formulas without a value: open it in a spreadsheet program and save it",
        "cs": "vzorce bez hodnoty: otevřete sešit v tabulkovém programu a uložte ho",
        "pl": "formuły bez wartości: otwórz skoroszyt w arkuszu kalkulacyjnym i zapisz",
    },
    RefusalReason.FORMULA_ERROR: {
        "en": "the formula has no result",
        "cs": "vzorec nemá výsledek",
        "pl": "formuła nie ma wyniku",
    },
    RefusalReason.COLUMN_MISSING: {"en": "the column is missing", "cs": "sloupec chybí", "pl": "brak kolumny"},
    RefusalReason.COLUMN_TWICE: {
        "en": "two columns of this name differ",
        "cs": "dva sloupce téhož názvu se liší",
        "pl": "dwie kolumny o tej nazwie różnią się",
    },
    RefusalReason.MALFORMED_ROW: {
        "en": "the row is broken (quotes, line ends or length)",
        "cs": "řádek je poškozený (uvozovky, konce řádků nebo délka)",
        "pl": "wiersz jest uszkodzony (cudzysłowy, końce wierszy lub długość)",
    },
    RefusalReason.TOO_MANY_VALUES: {
        "en": "more values than columns",
        "cs": "víc hodnot než sloupců",
        "pl": "więcej wartości niż kolumn",
    },
    RefusalReason.NOT_TEXT: {
        "en": "not text in this encoding",
        "cs": "v tomto kódování to není text",
        "pl": "w tym kodowaniu to nie jest tekst",
    },
    RefusalReason.MISSING: {"en": "a value is needed", "cs": "chybí hodnota", "pl": "brak wartości"},
    RefusalReason.NOT_A_DATE: {"en": "not a date", "cs": "není to datum", "pl": "to nie jest data"},
    RefusalReason.NOT_A_NUMBER: {"en": "not a number", "cs": "není to číslo", "pl": "to nie jest liczba"},
    RefusalReason.UNKNOWN_CODE: {"en": "unknown code", "cs": "neznámý kód", "pl": "nieznany kod"},
    RefusalReason.NOT_ALLOWED: {"en": "value not allowed", "cs": "nepřípustná hodnota", "pl": "wartość niedozwolona"},
    RefusalReason.IN_FUTURE: {
        "en": "the date has not come yet",
        "cs": "datum je v budoucnosti",
        "pl": "data jest w przyszłości",
    },
    RefusalReason.BEFORE: {
        "en": "earlier than it can be",
        "cs": "dřív, než je možné",
        "pl": "wcześniej, niż to możliwe",
    },
    RefusalReason.DIFFERS: {
        "en": "does not agree with another value",
        "cs": "neshoduje se s jinou hodnotou",
        "pl": "nie zgadza się z inną wartością",
    },
    RefusalReason.NO_SUCH_ROW: {
        "en": "refers to a row that is not there",
        "cs": "odkazuje na řádek, který neexistuje",
        "pl": "odsyła do wiersza, którego nie ma",
    },
    RefusalReason.REPEATED_ROW: {
        "en": "the same row again",
        "cs": "tentýž řádek znovu",
        "pl": "ten sam wiersz ponownie",
    },
    RefusalReason.NOT_FHIR: {
        "en": "not FHIR R4 in JSON",
        "cs": "není to FHIR R4 v JSON",
        "pl": "to nie jest FHIR R4 w JSON",
    },
    RefusalReason.NO_COUNTERPART: {
        "en": "nothing here corresponds to it",
        "cs": "zde tomu nic neodpovídá",
        "pl": "nic tu temu nie odpowiada",
    },
    RefusalReason.KEY_TWICE: {
        "en": "another row has this key",
        "cs": "tento klíč má jiný řádek",
        "pl": "ten klucz ma inny wiersz",
    },
}

WORDS: Final[dict[str, dict[Lang, str]]] = {
    "trial": {
        "en": "Trial run: nothing was recorded or sent.",
        "cs": "Zkušební běh: nic se nezapsalo ani neodeslalo.",
        "pl": "Przebieg próbny: nic nie zapisano ani nie wysłano.",
    },
    "file": {"en": "File", "cs": "Soubor", "pl": "Plik"},
    "rows": {"en": "Rows", "cs": "Řádky", "pl": "Wiersze"},
    "row": {"en": "Row", "cs": "Řádek", "pl": "Wiersz"},
    "column": {"en": "Column", "cs": "Sloupec", "pl": "Kolumna"},
    "value": {"en": "Value", "cs": "Hodnota", "pl": "Wartość"},
    "reason": {"en": "Reason", "cs": "Důvod", "pl": "Powód"},
    "entry": {"en": "Entry", "cs": "Záznam", "pl": "Wpis"},
    "count": {"en": "Count", "cs": "Počet", "pl": "Liczba"},
    "clients": {"en": "clients", "cs": "klientů", "pl": "klientów"},
    "refused": {"en": "not taken over", "cs": "nepřevzato", "pl": "nie przejęto"},
    "unmapped": {
        "en": "Files that the mapping does not read",
        "cs": "Soubory, které předpis nečte",
        "pl": "Pliki, których opis nie czyta",
    },
    "more": {"en": "… and more: see --json", "cs": "… a další: viz --json", "pl": "… i więcej: zob. --json"},
    "waiting": {"en": "waiting to be sent", "cs": "čeká na odeslání", "pl": "do wysłania"},
    "held": {
        "en": "kept here until there is a reason to share",
        "cs": "zůstává zde, dokud není důvod sdílení",
        "pl": "pozostaje tutaj, dopóki nie ma podstawy udostępnienia",
    },
    "refused-entries": {"en": "to correct", "cs": "k opravě", "pl": "do poprawy"},
    "repeated": {"en": "known already", "cs": "již zapsáno", "pl": "już zapisane"},
}


def word(name: str, lang: Lang) -> str:
    """A word on the terminal."""
    return WORDS[name][lang]

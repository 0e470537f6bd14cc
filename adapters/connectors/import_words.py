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

ADVICE: Final[dict[RefusalReason, dict[Lang, str]]] = {
    RefusalReason.NOT_FHIR: {
        "en": "Ask the sending system's vendor for FHIR R4 in JSON.",
        "cs": "Požádejte dodavatele systému o FHIR R4 v JSON.",
        "pl": "Poproś dostawcę systemu o FHIR R4 w JSON.",
    },
    RefusalReason.NO_COUNTERPART: {
        "en": "Nothing need be done; it stays where it is.",
        "cs": "Není třeba nic dělat; zůstává, kde je.",
        "pl": "Nic nie trzeba robić; pozostaje tam, gdzie jest.",
    },
    RefusalReason.FILE_MISSING: {
        "en": "Put the file into the folder, or take it out of the mapping.",
        "cs": "Vložte soubor do složky, nebo ho z předpisu vypusťte.",
        "pl": "Włóż plik do folderu albo usuń go z opisu.",
    },
    RefusalReason.FILE_EMPTY: {
        "en": "Say in which row the columns' names stand: `format: header:`.",
        "cs": "Uveďte, na kterém řádku jsou názvy sloupců: `format: header:`.",
        "pl": "Podaj, w którym wierszu są nazwy kolumn: `format: header:`.",
    },
    RefusalReason.FILE_UNREADABLE: {
        "en": "Close the file elsewhere and check who may open it.",
        "cs": "Zavřete soubor v jiném programu a ověřte, kdo ho smí otevřít.",
        "pl": "Zamknij plik w innym programie i sprawdź, kto może go otworzyć.",
    },
    RefusalReason.FILE_CHANGED: {
        "en": "Import the file again when nobody is saving it.",
        "cs": "Načtěte soubor znovu, až ho nikdo neukládá.",
        "pl": "Zaimportuj plik ponownie, gdy nikt go nie zapisuje.",
    },
    RefusalReason.NOT_A_WORKBOOK: {
        "en": "Open it in a spreadsheet program and save it as .xlsx.",
        "cs": "Otevřete ho v tabulkovém programu a uložte jako .xlsx.",
        "pl": "Otwórz go w arkuszu kalkulacyjnym i zapisz jako .xlsx.",
    },
    RefusalReason.OLD_FORMAT: {
        "en": "Save it as .xlsx.",
        "cs": "Uložte ho jako .xlsx.",
        "pl": "Zapisz go jako .xlsx.",
    },
    RefusalReason.PASSWORD_PROTECTED: {
        "en": "Save it without a password in a folder that others cannot open.",
        "cs": "Uložte ho bez hesla do složky, kam nikdo jiný nemůže.",
        "pl": "Zapisz go bez hasła w folderze niedostępnym dla innych.",
    },
    RefusalReason.HAS_MACROS: {
        "en": "Save it as .xlsx, without macros.",
        "cs": "Uložte ho jako .xlsx, bez maker.",
        "pl": "Zapisz go jako .xlsx, bez makr.",
    },
    RefusalReason.TOO_LARGE: {
        "en": "Copy the rows into a new workbook.",
        "cs": "Zkopírujte řádky do nového sešitu.",
        "pl": "Skopiuj wiersze do nowego skoroszytu.",
    },
    RefusalReason.SHEET_MISSING: {
        "en": "Write the sheet's name into the mapping as it stands on its tab.",
        "cs": "Napište do předpisu název listu tak, jak je na jeho oušku.",
        "pl": "Wpisz do opisu nazwę arkusza tak, jak na jego karcie.",
    },
    RefusalReason.NOT_CALCULATED: {
        "en": "Open the workbook in a spreadsheet program and save it.",
        "cs": "Otevřete sešit v tabulkovém programu a uložte ho.",
        "pl": "Otwórz skoroszyt w arkuszu kalkulacyjnym i zapisz.",
    },
    RefusalReason.FORMULA_ERROR: {
        "en": "Mend the formula, or write the value itself.",
        "cs": "Opravte vzorec, nebo napište přímo hodnotu.",
        "pl": "Popraw formułę albo wpisz samą wartość.",
    },
    RefusalReason.COLUMN_MISSING: {
        "en": "Rename the column in the sheet or in the mapping.",
        "cs": "Přejmenujte sloupec v listu, nebo v předpisu.",
        "pl": "Zmień nazwę kolumny w arkuszu albo w opisie.",
    },
    RefusalReason.COLUMN_TWICE: {
        "en": "Rename one of the two columns.",
        "cs": "Přejmenujte jeden z obou sloupců.",
        "pl": "Zmień nazwę jednej z dwóch kolumn.",
    },
    RefusalReason.MALFORMED_ROW: {
        "en": "Look at the quotes in this row; save the file anew as CSV.",
        "cs": "Zkontrolujte uvozovky v řádku; uložte soubor znovu jako CSV.",
        "pl": "Sprawdź cudzysłowy w wierszu; zapisz plik ponownie jako CSV.",
    },
    RefusalReason.TOO_MANY_VALUES: {
        "en": "Put the value with the delimiter in quotes.",
        "cs": "Hodnotu s oddělovačem dejte do uvozovek.",
        "pl": "Wartość z separatorem ujmij w cudzysłów.",
    },
    RefusalReason.NOT_TEXT: {
        "en": "Say the file's encoding in the mapping: `format: encoding:`.",
        "cs": "Uveďte v předpisu kódování souboru: `format: encoding:`.",
        "pl": "Podaj w opisie kodowanie pliku: `format: encoding:`.",
    },
    RefusalReason.MISSING: {
        "en": "Fill in the cell.",
        "cs": "Vyplňte buňku.",
        "pl": "Uzupełnij komórkę.",
    },
    RefusalReason.NOT_A_DATE: {
        "en": "Correct the date, or add its form to `format: dates:`.",
        "cs": "Opravte datum, nebo přidejte jeho tvar do `format: dates:`.",
        "pl": "Popraw datę albo dodaj jej postać do `format: dates:`.",
    },
    RefusalReason.NOT_A_NUMBER: {
        "en": "Correct the number, or the sign in `format: decimal:`.",
        "cs": "Opravte číslo, nebo znak v `format: decimal:`.",
        "pl": "Popraw liczbę albo znak w `format: decimal:`.",
    },
    RefusalReason.UNKNOWN_CODE: {
        "en": "Correct the cell, or add the word to the mapping's table.",
        "cs": "Opravte buňku, nebo přidejte slovo do tabulky v předpisu.",
        "pl": "Popraw komórkę albo dodaj słowo do tabeli w opisie.",
    },
    RefusalReason.NOT_ALLOWED: {
        "en": "Correct the cell; what is allowed stands in brackets.",
        "cs": "Opravte buňku; co je přípustné, je v závorce.",
        "pl": "Popraw komórkę; co jest dozwolone, podano w nawiasie.",
    },
    RefusalReason.IN_FUTURE: {
        "en": "Correct the date, or import the row when it has come.",
        "cs": "Opravte datum, nebo řádek načtěte, až nastane.",
        "pl": "Popraw datę albo zaimportuj wiersz, gdy nadejdzie.",
    },
    RefusalReason.BEFORE: {
        "en": "Correct one of the two dates.",
        "cs": "Opravte jedno z obou dat.",
        "pl": "Popraw jedną z dwóch dat.",
    },
    RefusalReason.DIFFERS: {
        "en": "Make both values the same.",
        "cs": "Sjednoťte obě hodnoty.",
        "pl": "Ujednolić obie wartości.",
    },
    RefusalReason.NO_SUCH_ROW: {
        "en": "Correct the reference, or add the row it refers to.",
        "cs": "Opravte odkaz, nebo doplňte řádek, na který vede.",
        "pl": "Popraw odwołanie albo dodaj wiersz, do którego prowadzi.",
    },
    RefusalReason.REPEATED_ROW: {
        "en": "Nothing need be done; delete one of both.",
        "cs": "Nic není třeba; jeden z nich smažte.",
        "pl": "Nic nie trzeba robić; usuń jeden z nich.",
    },
    RefusalReason.KEY_TWICE: {
        "en": "Give one of the rows another number.",
        "cs": "Dejte jednomu z řádků jiné číslo.",
        "pl": "Nadaj jednemu z wierszy inny numer.",
    },
}
"""What a person can do about each reason."""

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
    "unmapped-columns": {
        "en": "Columns that the mapping does not read",
        "cs": "Sloupce, které předpis nečte",
        "pl": "Kolumny, których opis nie czyta",
    },
    "to-do": {"en": "What to do", "cs": "Co s tím", "pl": "Co zrobić"},
    "line": {"en": "Line", "cs": "Řádek", "pl": "Wiersz"},
    "problem": {"en": "Problem", "cs": "Závada", "pl": "Problem"},
    "mapping-good": {
        "en": "The mapping is in order.",
        "cs": "Předpis je v pořádku.",
        "pl": "Opis jest w porządku.",
    },
    "rows-good": {
        "en": "Every row would be taken over.",
        "cs": "Všechny řádky by se převzaly.",
        "pl": "Wszystkie wiersze zostałyby przejęte.",
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

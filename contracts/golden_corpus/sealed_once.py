"""What HPKE made once of the corpus' keys, since it draws at random; see `contracts.golden_corpus.sealing`."""

from collections.abc import Mapping
from typing import Final

from contracts.sealing.suites import SuiteId

SEALED_ONCE: Final[Mapping[SuiteId, Mapping[str, str]]] = {
    SuiteId.HYBRID: {
        "deposit": (
            "U/YHI2rquoYHzCjujHOv4zfWI+JiRbfEEBH/0RPReYT9tK+xSNKPE4izKMdNWL8dS/jgV8aCn6nkiHPqlw3r+cIRhc2/jwZOs5tZ"
            "HdLKThi0LQ1CD5hDKdDx8y9zsKgpaf0D+1bAa4tWJ1ZhdZOOwPfQI5JSEzLGe0Ek0eoiRmVIxsCS1pfzuUSqgnw9fUSlJM4E5JFJ"
            "wwPDq/TpiGL2d/vR/K98dnUib7hBjRbjCB/DmtQ5RobUgJDk7oYElp+wjFG9iNV+IyHkxLLkaSdYUOgN3iNU4qgzWP843+fQXAkd"
            "reOZC+RZaKj6bpbUIYReaPm6niblftjdMoSIGYGGaJdXY4Dx3ON2kzRNn1MlGD2qkclE40mXCVt+0ofTpFM+d4l6RjaiuPnRZYAm"
            "gpoGybMzDnMIE0EDlxuaoOZwggUAFoLit8Ayyp+rNM40TGKO+0ZxQQb1df8dYai3AbGJld6IBmb/yzDPUOjpvGvpzNZ3SJhdW5yV"
            "NVhgXR0/EnAM2j2834gmwxh0a/ef4KJYp9Qy9dU5VyhmJtLXvhVdXWkjnWdNMtSXC+Yfrq55PZbj9eK96tPRUitLOJCPCynGIkdg"
            "iF05FeYss38HkUsB6aXm+eV01BLIZoem1qOXCMLDqeHymR9aGS/Fe9+bdMHeK5xttBN1DEeDbLqzVt9ZUkxfFixhonn67f/Pl84q"
            "XDbVJZ3fq4CGrkjCX46fRiLe+b7f0R8I0FVhm0pTwmMpqh/13F0rWJdvrfrPUtpADJ0B/XUOGT+L0mVAjPeC8MtDeMgu6Y95Zhbs"
            "VXmnkpCkk9BM754LchFx0ZKt1A81AjvhHiNpkY30nsxuhG8KKHNkghXaGE8e8Hv9RpeCzv6KyZfApkA1uDICEBe0nYrvYVcRGDOZ"
            "o7yqILe51eiM9lWotdZ3ggEXTB6J4/bOzZfIR3cxUzf1qIjBhxP0g8r7wLgV19QJMKDzrSKS0txt1Ymi7J9OeZj7Fg8lip76twwn"
            "HLDHGR42u3CzFcZbgCWieezrMzLsx2tbRhpilhO4j4xYfJIVUy5aqVexmhYyQbOH0F5LOV1c8qjp62+4KbIGrD1d9fvOoZ1kpn3q"
            "ldQ723JCsvvQARxadTK+L8ZmgLu01BY0g9PnJPtj1RGaK58RJWw+buYjglDyKyDpPGqxu99NPfai/CV9u+gAS5bYTE3cyo7Po8dB"
            "ztBrN9kzeyHAvUxmHXMfpddUSUdqnJAy+D/iBvl88mGQDZ1hzbcOQzJGoIQ4q/dQ01Uzr7LJNPsUbV4b0H1wqtwSVT+KX+JhatYU"
            "hgQH4+UiokCbrNVyTO3J0aXWooimYOcgwcINBw9SopwOZFrNMPCNvJa9JFyy9HO6vwq8wOSeMg62zU8bDUMt042e+NnisWk47UGz"
            "kVP/Lf9rdrtDO2MdSMCza5mtKw3zKHJ1QDm8PIzNVvfuH9ltNWy2Iahi4z6wbSCMcYmVcE5s1XCg0rWvCMhhKrb1RTZFFLgNFfnl"
            "kQyFv9lie7/f0lXZOvs2c+XnLicIeaepS/Fhgm4SITGd0hAlsbenEwC69Q=="
        ),
        "content-key": (
            "VO0s9p6IC/KPeN+OCmwue749GyMFy3ZeWcq9cDMPNqJXZ2yBVCUYDujM/ezm+q/LSlSUchcgkIYXacADy15CXusRyLfNukqLkmvL"
            "c4yjMv6tb2pBKOx1fzwkrUD9WeoXAXKbjfVpR9jwH6PF8pf9KK1P7rTnDMxMjLFhPS3PCTmPxD7Th74awc0nuwgDtefyQh+HCfB4"
            "zzjhe2sIkgX+kJjC/upim/p3TsK1vDBrX444gr3ZQx072Z4On8jRpi/3rQy6QmDajP5Z3MEYn3KNMvmU8gUKZSFslpGTNUq0pPzW"
            "DL8kscgcGzQPl2gOgebdYwYpfhD7yYOAINM6oTzVGbaunGGyYSidGc7iRDkzg5aAkbunasDx9BODOUG7XAoQCS4atGbsfEmZ5P0g"
            "xtsBWTzB1QO9HC/B6jwj+XzCZR56pbVs0GGoouyd1nkWj3AbbnUoyIWME0k9/aEL98YUrfttE+YNm1toR54RCgjro5Sz5LCShgKg"
            "fHLJlRa8PGe/K01UCb2Hudv7E5bTaTb5svqFwhJX1FUrikldtGaoCZhtW8F1OLZgRpE/2dj761UHMhU/Cxr/sWDARKGHB3ytkTCV"
            "Ve9TntcR63G9r8Wp7zex8DwXMmqiOTkgkTusPLzORnbvrCwvQSLqg5vr746uRN1BoSz6CLrkI22z5qzrpeI2XtbkYaJHht2DEnWr"
            "qMKolz+x9iBdcTMcFzyrLpB4GcIHVMA/1ny9lMIusSxaZDtX2kVu3l+QQtVt9lvAAC0gdhwgw6xnvr6SSxqRc4CHyt252CO9H2bw"
            "n4Dllygs1oMjDE4DJ1y6sGOFabqHZk8K4RNb5wP/2juBy4ZNeZq/W5Ra3n4rxtlmVeUvTYzsAyKKthj9Kn7+qdmzdLOowvbvD0cJ"
            "9797XY3vtX8oy/6sa/i4yHYOWYejLs9DNtzWjbJ6as5YB3bFZEscexZzcmnQiA8skbU5raCzwHmqOMxXao8o92v8JSr/BjoKXU88"
            "6nxBRoYP7ZIfSImw9FufmfiXblFP8R4Ygoh9R/G1LTNckrsGsgtueEhO7nMZjjD7KegqGNme4vFJ2LI41cuhgBYpXCB5FLa8NsrO"
            "S+BZcnIA+g3yH3HLwU8GHhMdAW5qLxQueWPvZLKwp80CjtsNyHQkJQi6ASOHnM0AJOwgwBbPOirVgzFS53KvBGCJ/3J/GlUMjoFk"
            "iLqgh0R2Cb15i2Rwgh2VluArDh8HHpGMk5WQpQ1F8aTPDjg8BrinJOxt/WyGpoJmTjyASjG6sE+r1iuy7p5WgsFwVYSEsSSl6kVr"
            "rdBNnFtwcGigD6HQve8hL1o9QyXGKZ0icUcIkCc3KJlKO20a3qGjWM0dfpPeV7bRq9sqHK0Gb14hjvoBdW/ZZ2wNZ50qLX7MND9p"
            "ulFKlPKX9RqYXb8p+HSnZXj09K6Hepu1x5sJzjNp2LhHIJcuWxRD6J/FFwBX2FgoteuKH7GJMIU6Ydj+sPUHxeY7w2VaT2KE5VRO"
            "/ruBKT5YFxAb8dAm5hKwdgzZvhqpA+2S0d0DHjvZ2kT6NxyIOVVhY9JS9w=="
        ),
        "message-key": (
            "9cYRP83+PZxA68MCm4ByPLodyGqGmjvYzZkgKg4zm/tQwW0I0bOs4/AVY4q9WdhiF9o2YvI/q9oP66JS3vFOryD1olXSKQA48R5P"
            "XY2VVS9IejC25zC0eWnhThQkTIfwdrjfNTBRp9woiuQATTwA5aCZPPuQ/9IrS+1Qph7KjZatMavACaBYTdTY3/6KAfVwKfocbDsn"
            "AziOzFNi/J9y2HbwDrHB29mppdgvKPCMS8oxY92CEeTzCIP2zymlT2wdf4ALbBJjBOVwiGASKH4kK/iDQ5VuhhDOAVWjWM16lDd6"
            "Xp6qyLy99IqZGx+lGdGWpxtEdWsrnkk6oF3vK5O3lDM45zbvqSChDcV0ghq4NiObblBJtXAixdg4KTRIC8zqFCFj2XGqqp88AjN+"
            "TfPEiR7q9JaWcRFhIEVnHYrjz7PIfq9mMpjScKLZz/wgach7jiteaPjT2eh2EQUY/M1Ww9Bp0kvtNnNmeYQANB+uzBw7cztRg/y8"
            "W30Vu1iUdGMOv6m94DRzw+i3KmAmLELLfDYw73OLXR6gkUzTJ2TptvNfF50EtKODBnpCtS3T8GBfU9rvAekIf10EY5HvrEFm9W20"
            "5RxLl1NEnYLUaLnAr+QJ6KIoMW36sInpLqFLtHY8BK3Mc8ccI157galrNzkqV+EwXB0xtkQsXziiufBe8X35+Q3ns44T64hCEtUD"
            "8XnBO7uGcp1rK+TwOTodQ9PeXGA7EErvxKRYkfoB4dR6Vdx3b3gP5rY3Gl9AaoSt3LDWsRdYUxm6PQ3EbM6IoZcipZog68YF5xQt"
            "wiyfdCdzT4eeqc9nsuIks8GpL/qF5UBvZ0efXZcBgOlh+CKs5HSO2r0hQm7LwDvdoHmN7BGLl1urHlNJDTUZtyKp2wPZmrapLv9E"
            "2tVRJO76xQX1kxyyyLfRbnCNZrv2ZZjPEhxirbMsvTNqXGUWMKb/3s1eTh9xoMXSUq/M3vMJpQIhVGZHSVcqXbGTkhj/UeIy0Do+"
            "LDc+1d5XKN++nw8jZOsQT6aGDBenzAjPDCITPenOgFr+48pR+4r668LrPHvgbhJQ3ONO5SPu5d7w4ZFHjF8azgNGlHU/yBWRlZkL"
            "gM9HaBqMZPIfYShccuusErt2Hn5lTwt1IYcv4Fze4d3KfQociOLYMW4rvVVzxJOEV3Krvc0yIzcWP4IPNme1aG4UucZd0uwX4FUM"
            "0KIyM0GuTYQ5jq+X5X7j5dvw9uAruRu33euA4vNalxWow6OwEbjrhgqm2Xe9O9FMndWoe4+CXnF+Ul8ZCPNKhU2l8XqoaCtrxq3D"
            "5IR9pJx+HOdgXj+HVMRRe/D9OPpY+pcCPz4TcEjY+tYdremYbAb5A4qgATDFOlqowwVzR31eaRNtvPDvOPfg3u2pdPCYSM/LxSuE"
            "87lVquqCNeya8ehXOs2MxXid2OhzeQGezL3u2TAUzsJpo5eFaUIm3cEmd6AzkjFsmSHqmDHeCY0hyWI2K8TSrnVSreE7bAsITEgg"
            "t2PFDNJzTFHcctMhXyViPzm3ahSbFWI9Yuw9LZ3DBRqodZ780hP0qcYDWw=="
        ),
    },
    SuiteId.X25519: {
        "deposit": (
            "i3a5LRhOj26mythjNmcllDqifsXhwkbgotQbw5X5kyfVTZKchMXZCFxsuXZtx5sTO2NLTynQkhHkNOaX+shbkGeKB/snHSXrttpQ"
            "IJkuMVw="
        ),
        "content-key": (
            "gO405NZlXeCuBxRIOI7Gz0pE531DM93dm9GxlFotS13EwjBvZk9rvG3wjmC/1dSjc96lT4Szc5E3BLVI+TpGI7/6xivUxvpMQPf5"
            "Uj8w7iI="
        ),
        "message-key": (
            "jszG32JjXARVNzwdE+uK82OezTGtM8LyFVIPSFpnkANAoTfQ3bbKpdhGd00fa9o7hRS/6XDzh8dUfcbEDZFAwTWjxmin3Hb2hri9"
            "wdFs7ns="
        ),
    },
}
"""In base64, by suite and form."""

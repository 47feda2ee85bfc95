package pairing

import (
	"strings"
	"unicode"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Name is what people call the device: the name it gives itself, or else its
// browser and system, such as "Firefox on Windows". Either comes from the
// device and may be a lie; the name is cleaned so that it can be no worse: one
// line without control, formatting or angle-bracket characters, at most
// protocol.MaxDeviceNameLength characters. A name that is only a number or an id
// is not taken.
func Name(userAgent, deviceName string) string {
	if name := clean(deviceName, protocol.MaxDeviceNameLength); name != "" && !idLike(name) {
		return name
	}
	ua := clean(userAgent, maxUserAgent)
	browser, program := first(ua, browsers()), first(ua, programs())
	switch {
	case browser == "" && program != "":
		return program
	case browser == "":
		browser = "Unknown browser"
	}
	if system := first(ua, systems()); system != "" {
		return browser + " on " + system
	}
	return browser
}

// mark is a piece of a User-Agent and what it stands for.
type mark struct{ text, name string }

// browsers are in an order in which the first that is found is right: each
// browser also names those it wants to be taken for.
func browsers() []mark {
	return []mark{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edge/", "Edge"},
		{"OPR/", "Opera"}, {"OPT/", "Opera"}, {"OPiOS/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex Browser"},
		{"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"},
		{"FxiOS/", "Firefox"}, {"Focus/", "Firefox Focus"}, {"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Headless Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
		{"Epiphany/", "GNOME Web"}, {"Safari/", "Safari"}, {"Trident/", "Internet Explorer"},
	}
}

func systems() []mark {
	return []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"},
		{"Macintosh", "Mac"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"Linux", "Linux"}, {"X11", "Linux"},
	}
}

func programs() []mark {
	return []mark{
		{"gatehouse/", "Gatehouse client"}, {"curl/", "curl"}, {"Wget/", "Wget"}, {"websocat", "websocat"},
		{"Go-http-client/", "Go program"}, {"Python/", "Python program"}, {"python-", "Python program"},
		{"node", "Node.js program"}, {"Java/", "Java program"}, {"okhttp/", "Java program"}, {"Dart/", "Dart program"},
	}
}

func first(s string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(s, m.text) {
			return m.name
		}
	}
	return ""
}

// idLike reports whether a name is one for machines: eight or more characters,
// all of them digits, hexadecimal letters or what separates groups of these.
func idLike(name string) bool {
	digit := false
	for _, r := range name {
		switch {
		case '0' <= r && r <= '9':
			digit = true
		case !strings.ContainsRune("abcdefABCDEF-_:.{} ", r):
			return false
		}
	}
	return digit && len(name) >= 8
}

// clean makes one plain line of at most limit characters of what a stranger
// sent. Angle brackets go too, though all that show the line escape it anyway.
func clean(s string, limit int) string {
	var b strings.Builder
	count, marks, gap := 0, 0, false
	for _, r := range s { // an invalid byte is a U+FFFD
		if unicode.IsSpace(r) {
			gap = count > 0
			continue
		}
		if !showable(r) {
			continue
		}
		if marks = stacked(r, marks); marks > maxStacked {
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
			count++
		}
		if count >= limit {
			break
		}
		b.WriteRune(r)
		count++
	}
	return strings.TrimRight(b.String(), " ")
}

// showable reports whether r shows, and shows only itself: no control or
// formatting character (so no bidirectional override), nothing invisible.
func showable(r rune) bool {
	switch {
	case r == unicode.ReplacementChar, r == '<', r == '>', r == '\u2800': // the last is an empty Braille cell
		return false
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false
	}
	return unicode.IsGraphic(r)
}

// maxStacked is how many marks a letter may carry; more would paint over the
// lines above and below.
const maxStacked = 2

// stacked counts the marks on the letter that r is part of.
func stacked(r rune, before int) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return before + 1
	}
	return 0
}

package words

import (
	"cmp"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// unknownBrowser names a browser whose User-Agent says nothing known.
const unknownBrowser = "Unknown browser"

// maxUserAgent is how many bytes of a User-Agent Browser looks at. The gateway
// keeps 256 characters of one, which are at most as many bytes.
const maxUserAgent = 4 * 256

// Device is what people call a device: the label that an admin gave it, or else
// the name that it gave itself, or else its browser.
func Device(label, name, userAgent string) string {
	if given := cmp.Or(label, name); given != "" {
		return given
	}
	return Browser(userAgent)
}

// Browser names the browser and the system of a User-Agent, such as "Firefox on
// Windows", or the program that sent it, such as "curl". The result is one of a
// fixed set of texts whatever is in userAgent, which may be a lie: many browsers
// (Brave, and Vivaldi unless its user lets it tell) send the User-Agent of Chrome.
func Browser(userAgent string) string {
	userAgent = userAgent[:min(len(userAgent), maxUserAgent)]
	browser := find(userAgent, browsers)
	if browser == "" {
		if program := find(userAgent, programs); program != "" {
			return program
		}
		browser = unknownBrowser
	}
	if system := find(userAgent, systems); system != "" {
		return browser + " on " + system
	}
	return browser
}

// find returns the name behind the first mark that stands in userAgent, or "".
func find(userAgent, table string) string {
	for table != "" {
		var mark, name string
		mark, table = field(table, '=')
		name, table = field(table, '\n')
		if text.Contains(userAgent, mark) {
			return name
		}
	}
	return ""
}

// field splits table behind the first end, which is not part of either half.
func field(table string, end byte) (first, rest string) {
	for i := range len(table) {
		if table[i] == end {
			return table[:i], table[i+1:]
		}
	}
	return table, ""
}

// The tables have one "mark=name" a line: a part of a User-Agent and what it
// stands for. Measured: as texts they take 2.8 kB less of the download (brotli) than
// as slices.
//
// A browser also names those it wants to be taken for, so the order matters: the
// first mark that is found is the right one.
const browsers = `Edg/=Edge
EdgA/=Edge
EdgiOS/=Edge
Edge/=Edge
OPR/=Opera
OPT/=Opera
OPiOS/=Opera
SamsungBrowser/=Samsung Internet
Vivaldi/=Vivaldi
YaBrowser/=Yandex Browser
DuckDuckGo/=DuckDuckGo
Ddg/=DuckDuckGo
FxiOS/=Firefox
Focus/=Firefox Focus
Firefox/=Firefox
CriOS/=Chrome
HeadlessChrome/=Headless Chrome
Chromium/=Chromium
Chrome/=Chrome
Epiphany/=GNOME Web
Safari/=Safari
Trident/=Internet Explorer`

const systems = `iPhone=iPhone
iPad=iPad
Android=Android
Windows=Windows
CrOS=ChromeOS
Macintosh=Mac
FreeBSD=FreeBSD
OpenBSD=OpenBSD
Linux=Linux
X11=Linux`

const programs = `gatehouse/=Gatehouse client
curl/=curl
Wget/=Wget
websocat=websocat
Go-http-client/=Go program
Python/=Python program
python-=Python program
node=Node.js program
Java/=Java program
okhttp/=Java program
Dart/=Dart program`

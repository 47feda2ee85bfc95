package words

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestBrowser has User-Agents as browsers and programs send them.
func TestBrowser(t *testing.T) {
	t.Parallel()
	const webKit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                          "Firefox on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0":                                                      "Firefox on Mac",
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                                    "Firefox on Linux",
		"Mozilla/5.0 (X11; FreeBSD amd64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                                   "Firefox on FreeBSD",
		"Mozilla/5.0 (X11; OpenBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                   "Firefox on OpenBSD",
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                      "Firefox on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15": "Firefox on iPhone",

		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/138.0.0.0 Safari/537.36":                                                         "Chrome on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webKit + "Chrome/142.0.0.0 Safari/537.36":                                                   "Chrome on Mac",
		"Mozilla/5.0 (Linux; Android 10; K) " + webKit + "Chrome/138.0.0.0 Mobile Safari/537.36":                                                         "Chrome on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webKit + "Chrome/138.0.0.0 Safari/537.36":                                                          "Chrome on ChromeOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "HeadlessChrome/138.0.0.0 Safari/537.36":                                                           "Headless Chrome on Linux",
		// In a program's window (WebView), which tells Chrome's version.
		"Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A.250205.002; wv) " + webKit + "Version/4.0 Chrome/138.0.7204.63 Mobile Safari/537.36":                          "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0":                                                            "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 10; HD1913) " + webKit + "Chrome/138.0.0.0 Mobile Safari/537.36 EdgA/137.0.0.0":                                                      "Edge on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/138.0.3351.65 Mobile/15E148 Safari/605.1.15": "Edge on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/70.0.3538.102 Safari/537.36 Edge/18.19041":                                                        "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/137.0.0.0 Safari/537.36 OPR/121.0.0.0":                                                            "Opera on Windows",
		"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) " + webKit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":                                       "Samsung Internet on Android",
		// Vivaldi and Brave send Chrome's; Vivaldi its own name where it is allowed to.
		"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "Chrome/138.0.0.0 Safari/537.36":                                 "Chrome on Linux",
		"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5.3735.41":             "Vivaldi on Linux",
		"Mozilla/5.0 (X11; FreeBSD amd64) " + webKit + "Chrome/78.0.3904.99 Safari/537.36 Vivaldi/2.9.1705.41":         "Vivaldi on FreeBSD",
		"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36": "Chromium on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/136.0.0.0 YaBrowser/25.6.0.0 Safari/537.36":    "Yandex Browser on Windows",
		"Mozilla/5.0 (Linux; Android 14) " + webKit + "Version/4.0 Chrome/138.0.0.0 Mobile DuckDuckGo/5 Safari/537.36": "DuckDuckGo on Android",

		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                   "Safari on Mac",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1":          "Safari on iPad",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15 Epiphany/605.1.15":                 "GNOME Web on Linux",
		"Mozilla/5.0 (X11; FreeBSD amd64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Safari/605.1.15 Epiphany/605.1.15":                "GNOME Web on FreeBSD",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                   "Internet Explorer on Windows",

		"curl/8.5.0":                  "curl",
		"Wget/1.21.4":                 "Wget",
		"Go-http-client/1.1":          "Go program",
		"Python/3.12 websockets/12.0": "Python program",
		"python-requests/2.32.3":      "Python program",
		"gatehouse/0.1 (linux)":       "Gatehouse client",
		"node":                        "Node.js program",

		"":                                      "Unknown browser",
		"f3a9c1d2e4b5":                          "Unknown browser",
		"Mozilla/5.0 (Windows NT 10.0) Strange": "Unknown browser on Windows",
		"<script>\x00\r\n\u202e\xff":            "Unknown browser",
		strings.Repeat("x", 1<<20) + "Firefox/": "Unknown browser",
		"Firefox/140.0 " + strings.Repeat("Windows Vivaldi/", 1<<16): "Vivaldi on Windows",
	} {
		if got := Browser(userAgent); got != want {
			t.Errorf("%.200q is called %q, want %q", userAgent, got, want)
		}
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	const curl = "curl/8.5.0"
	for _, row := range []struct{ label, name, userAgent, want string }{
		{"The kiosk", "Anna’s laptop", curl, "The kiosk"},
		{"", "Anna’s laptop", curl, "Anna’s laptop"},
		{"", "", curl, "curl"},
		{"", "", "", unknownBrowser},
	} {
		if got := Device(row.label, row.name, row.userAgent); got != row.want {
			t.Errorf("Device(%q, %q, %q) = %q, want %q", row.label, row.name, row.userAgent, got, row.want)
		}
	}
}

// TestBrowserIsOneShortLine checks that the name fits into a list for any User-Agent,
// also for one that is made of marks.
func TestBrowserBeside(t *testing.T) {
	t.Parallel()
	const curl = "curl/8.5.0"
	for name, want := range map[string]string{
		"Anna’s laptop": "curl", "": "curl", "Curl": "curl", "curl": "", "Anna’s curl": "", Device("", "", curl): "",
	} {
		if got := BrowserBeside(name, curl); got != want {
			t.Errorf("beside %q stands %q, want %q", name, got, want)
		}
	}
}

func TestBrowserIsOneShortLine(t *testing.T) {
	t.Parallel()
	marks := rapid.SampledFrom(strings.FieldsFunc(browsers+"\n"+systems+"\n"+programs, func(r rune) bool { return r == '\n' || r == '=' }))
	anything := rapid.OneOf(rapid.String(), marks, rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		readable(t, Browser(strings.Join(rapid.SliceOf(anything).Draw(t, "userAgent"), "")))
	})
}

// maxLength limits texts that are made of numbers or a fixed set of words, in
// characters.
const maxLength = 40

// readable fails unless text is one short, trimmed, not empty line without invisible
// characters.
func readable(t *rapid.T, text string) {
	t.Helper()
	if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxLength || text != strings.TrimSpace(text) {
		t.Fatalf("%q", text)
	}
	for _, r := range text {
		if !unicode.IsGraphic(r) || r == '<' || r == '>' {
			t.Fatalf("%q has %U", text, r)
		}
	}
}

// TestTablesAreWhole finds lines without a mark or a name, and lines that are never
// reached because an earlier mark is part of theirs.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	for _, table := range []string{browsers, systems, programs} {
		var before []string
		for line := range strings.SplitSeq(table, "\n") {
			mark, name, ok := strings.Cut(line, "=")
			if !ok || mark == "" || name == "" || strings.Contains(name, "=") {
				t.Errorf("the line %q is not mark=name", line)
			}
			for _, earlier := range before {
				if strings.Contains(mark, earlier) {
					t.Errorf("%q is never reached: %q stands in it, and before it", mark, earlier)
				}
			}
			before = append(before, mark)
		}
	}
}

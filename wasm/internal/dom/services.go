//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Online is false when the browser knows that there is no network.
func (*Browser) Online() bool { return online() }

// Locale is the language that the user prefers (BCP 47).
func (*Browser) Locale() string { return text(locale()) }

// Random fills p with random bytes fit for secrets.
func (*Browser) Random(p []byte) {
	if len(p) > 0 {
		random(&p[0], int32(len(p)))
	}
}

// Clock formats a time in the user's locale and time zone: the time of day, and the date
// if it is not today.
func (*Browser) Clock(at protocol.Time) string { return text(formatTime(float64(at))) }

// Matches reports whether a label contains a text, ignoring case in every script.
func (*Browser) Matches(label, sought string) bool { return matches(label, sought) }

// TabValue returns what SetTabValue has stored for this tab, or "".
func (*Browser) TabValue(name string) string { return text(tabValue(name)) }

// SetTabValue stores a value for as long as the tab lives, if the browser allows it.
func (*Browser) SetTabValue(name, value string) { setTabValue(name, value) }

//go:wasmimport gatehouse page_online
func online() bool

//go:wasmimport gatehouse page_locale
func locale() int32

//go:wasmimport gatehouse page_random
func random(to *byte, length int32)

//go:wasmimport gatehouse page_format_time
func formatTime(ms float64) int32

//go:wasmimport gatehouse page_text_matches
func matches(label, sought string) bool

//go:wasmimport gatehouse page_tab_value
func tabValue(name string) int32

//go:wasmimport gatehouse page_set_tab_value
func setTabValue(name, value string)

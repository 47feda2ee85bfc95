package app

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// trim takes off what comes along when something is pasted.
func trim(s string) string {
	return text.TrimAround(s, " ", "\t", "\r", "\n", "\u00a0", "\u2003", "\u3000")
}

// sentence is what an error says to people.
func sentence(err *protocol.Error) string {
	if err.Message == "" {
		return "The gateway refused (" + string(err.Code) + ")."
	}
	return err.Message
}

// refusal reads the error of an HTTP answer, {"error":{…}}; nil if there is none.
func refusal(text string) *protocol.Error {
	var f protocol.Frame
	if jsontext.Read(jsontext.Raw(text), f.DecodeJSON) != nil {
		return nil
	}
	return f.Error
}

// activity is what a run is busy with, in words; "" for writing, which shows.
func activity(a *protocol.Activity) string {
	switch {
	case a == nil:
		return ""
	case a.Tool != "":
		return "using " + a.Tool + "…"
	case a.Phase == "", a.Phase == protocol.PhaseAnswering:
		return ""
	}
	return a.Phase + "…"
}

// browser names the program and the system of a User-Agent, "" if it is none of
// the common ones. It is for people who compare screens, and may be a lie.
func browser(agent string) string {
	name := firstIn(agent, "Edg", "Edge", "OPR/", "Opera", "SamsungBrowser/", "Samsung Internet", "FxiOS/", "Firefox",
		"Firefox/", "Firefox", "CriOS/", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari")
	system := firstIn(agent, "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows",
		"CrOS", "ChromeOS", "Macintosh", "Mac", "Linux", "Linux")
	if name == "" || system == "" {
		return name + system
	}
	return name + " on " + system
}

// firstIn gives the name behind the first mark that s holds.
func firstIn(s string, marksAndNames ...string) string {
	for ; len(marksAndNames) > 1; marksAndNames = marksAndNames[2:] {
		if text.Contains(s, marksAndNames[0]) {
			return marksAndNames[1]
		}
	}
	return ""
}

// pairingCode reports whether s has the form of one.
func pairingCode(s string) bool {
	if len(s) != protocol.PairingCodeLength {
		return false
	}
	for i := range len(s) {
		if !text.HasByte(protocol.PairingAlphabet, s[i]) {
			return false
		}
	}
	return true
}

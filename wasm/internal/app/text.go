package app

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// trim removes white space around a text, as pasted texts often have it.
func trim(s string) string {
	return text.TrimAround(s, " ", "\t", "\r", "\n", "\u00a0", "\u2003", "\u3000")
}

// errorText returns an error as a sentence for people.
func errorText(err *protocol.Error) string {
	if err.Message == "" {
		return "The gateway refused this (" + string(err.Code) + ")."
	}
	return err.Message
}

// parseError reads the error of an HTTP answer, {"error":{…}}. It returns nil if there is
// none.
func parseError(text string) *protocol.Error {
	var f protocol.Frame
	if jsontext.Read(jsontext.Raw(text), f.DecodeJSON) != nil {
		return nil
	}
	return f.Error
}

// activityText returns what a run is busy with. It returns "" while the run writes its
// answer, which the user sees.
func activityText(a *protocol.Activity, now clock.Time) string {
	switch {
	case a == nil:
		return ""
	case a.Until != 0:
		return words.Waiting(a.Reason, a.Until, protocol.At(now))
	case a.Tool != "":
		return "using " + a.Tool + "…"
	case a.Phase == "", a.Phase == protocol.PhaseAnswering:
		return ""
	}
	return a.Phase + "…"
}

// isPairingCode reports whether s has the form of a pairing code.
func isPairingCode(s string) bool {
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

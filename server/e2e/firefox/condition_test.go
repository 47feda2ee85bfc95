package firefox

import (
	"fmt"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const (
	messages  = "#" + markup.IDMessages
	lastReply = messages + " > :last-child.message-assistant"
)

func stateIs(state string) string { return `document.body?.dataset.state === "` + state + `"` }

func pageIs(page string) string { return `document.body?.dataset.page === "` + page + `"` }

func connectionIs(state string) string {
	return `document.getElementById("` + markup.IDConnection + `")?.dataset.state === "` + state + `"`
}

// inPlace is a condition: the client runs and is connected.
var inPlace = `document.body?.dataset.boot === "` + markup.BootReady + `" && ` +
	connectionIs(markup.LinkConnected)

// replyIs is a condition: the last message is an answer with a status.
func replyIs(status string) string {
	return `document.querySelector("` + lastReply + `")?.dataset.status === "` + status + `"`
}

// replyLength is the length of the last answer's text.
const replyLength = `(document.querySelector("` + lastReply +
	` [data-slot=body]")?.innerText.length ?? 0)`

// saidAre is a condition: the user's messages on the page are these, all sent.
func saidAre(texts ...string) string {
	return `[...document.querySelectorAll("` + messages + ` > .message-user")].map(m =>
		m.dataset.status + ":" + m.querySelector("[data-slot=body]").innerText).join("|") === "` +
		markup.StatusComplete + ":" + strings.Join(texts, "|"+markup.StatusComplete+":") + `"`
}

func action(name string) string { return `[data-action="` + name + `"]` }

// hasFocus is a condition: the focus is in an element.
func hasFocus(selector string) string {
	return fmt.Sprintf(`document.activeElement?.matches(%q)`, selector)
}

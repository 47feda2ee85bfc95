package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// checkDialogs opens the dialog of every fourth row of a console page, and checks the
// texts in it.
func (s *xssSuite) checkDialogs(input, action, dialog, slot string, names []string) {
	s.t.Helper()
	s.console.run("open dialogs", chromedp.Evaluate[chromedp.Void](`window.said = undefined; (async () => {
		const said = [];
		const dialog = document.getElementById(`+toJSON(dialog)+`);
		const frame = () => new Promise((done) => setTimeout(done, 5));
		const buttons = [...document.querySelectorAll('[data-action="`+action+`"]')].filter((b, i) => i % 4 === 0);
		for (const button of buttons) {
			button.click();
			for (let i = 0; i < 200 && !dialog.open; i++) await frame();
			said.push(dialog.querySelector('[data-slot="`+slot+`"]').textContent);
			dialog.close();
		}
		return said;
	})().then((said) => window.said = said); void 0`))
	s.console.wait("the dialogs", `window.said !== undefined`)
	s.console.checkHarmless(input)
	texts := evaluate[[]string](s.console.tab, `window.said`)
	for _, text := range texts {
		s.checkShown(input, append([]string{"admin"}, names...), []string{text})
	}
	if len(texts) < len(s.attacks)/5 {
		s.t.Errorf("%s: %d were opened", input, len(texts))
	}
}

// labels are those of sessions. Each session has an agent with the same label, whose
// answer fails with an error that names its model.
func (s *xssSuite) labels() {
	s.chat.open(s.gateway.url("/"))
	s.chat.wait("connected", connectionIs(markup.LinkConnected))
	s.console.open(s.gateway.url("/admin/sessions"))
	s.console.wait("connected", connectionIs(markup.LinkConnected))
	for batch := range slices.Chunk(s.attacks, 40) {
		var labels, agents, failures, urls []string
		last := ""
		for _, a := range batch {
			key := a.name("label")
			send := map[string]any{"sessionKey": key, "message": failMessage, "ack": "accepted"}
			if validLabel(a.text) {
				send["agentId"] = a.name("agent")
				agents = append(agents, a.text)
				failures = append(failures, fmt.Sprintf("The model server does not know the model %q. An admin has to check agents.list.%s.model.", a.text, a.name("agent")))
			} else {
				s.count(s.refused, "agent's name", 1)
			}
			s.user.Must("chat.send", toJSON(send))
			if f := s.user.Call("sessions.patch", toJSON(map[string]any{"sessionKey": key, "label": a.text})); !f.OK {
				s.count(s.refused, "session's label", 1)
				continue
			}
			labels, last = append(labels, a.text), key
		}
		for _, a := range batch {
			urls = append(urls, s.gateway.url("/s/"+a.name("label")))
		}
		label := toJSON(labels[len(labels)-1])
		s.chat.wait("the last label", `document.querySelector('[data-session-key="`+last+`"] [data-slot=label]')?.textContent.trim() === `+label+`.trim()`)
		s.chat.checkHarmless("sessions, live")
		s.checkShown("session's label, live",
			s.chat.textsOf("#"+markup.IDSessionList+" [data-slot=label]"), labels)
		s.console.wait("the last label", `document.querySelector('[data-row="`+last+`"] .row-link')?.textContent.trim() === `+label+`.trim()`)
		s.console.checkHarmless("console's sessions, live")
		s.checkShown("session of the console, live", s.console.textsOf(".row-link"), labels)
		s.checkShown("agent of the console, live",
			s.console.textsOf("tr[data-row] td:nth-child(3) .break"), agents)
		s.chatNoClient.visit(s.gateway.url("/"))
		s.chatNoClient.checkHarmless("sessions")
		s.checkShown("session's label", s.chatNoClient.textsOf("#"+markup.IDSessionList+" [data-slot=label]"), labels)
		s.consoleNoClient.visit(s.gateway.url("/admin/sessions"))
		s.consoleNoClient.checkHarmless("console's sessions")
		s.checkShown("session of the console", s.consoleNoClient.textsOf(".row-link"), labels)

		s.chat.open(s.gateway.url("/s/" + last))
		s.chat.wait("the title", `document.title.includes(`+label+`.trim())`)
		s.chat.checkHarmless("session's page")
		names := s.fetch(s.chatNoClient, urls,
			"#"+markup.IDSessionTitle+", #"+markup.IDAgentName+", .message-assistant [data-slot=error]")
		s.checkShown("session's title", names, labels)
		s.checkShown("agent's name", names, agents)
		s.checkShown("error that names a model", names, failures)
	}
}

// keys have the attacks as their names and their users' names.
func (s *xssSuite) keys() {
	s.console.open(s.gateway.url("/admin/keys"))
	s.console.wait("connected", connectionIs(markup.LinkConnected))
	var names []string
	for _, a := range s.attacks {
		if f := s.admin.Call("api_keys.create", toJSON(map[string]any{"name": a.text, "userId": a.text, "role": "viewer"})); !f.OK {
			s.count(s.refused, "key", 1)
			continue
		}
		names = append(names, a.text)
	}
	s.console.wait("the last one", `document.querySelectorAll("tr[data-row]").length === `+strconv.Itoa(len(names)))
	for w, how := range map[*monitor]string{s.console: ", live", s.consoleNoClient: ""} {
		if w == s.consoleNoClient {
			w.visit(s.gateway.url("/admin/keys"))
		}
		w.checkHarmless("keys" + how)
		s.checkShown("key's name"+how, w.textsOf("tr[data-row] [data-slot=name]"), names)
		s.checkShown("key's user"+how, w.textsOf("tr[data-row] [data-slot=user]"), names)
	}
	s.checkDialogs("key's dialog", markup.ActionRevokeKey, markup.IDRevokeKeyDialog,
		markup.SlotName, names)
}

// pairings are asked for by devices with the attacks as their names, and are approved
// with such labels.
func (s *xssSuite) pairings() {
	s.console.open(s.gateway.url("/admin"))
	s.console.wait("connected", connectionIs(markup.LinkConnected))
	type device struct {
		talk  *rig.Client
		hello rig.Frame
	}
	devices := make([]device, len(s.attacks))
	var names, labels []string
	for i, a := range s.attacks {
		k := rig.NewClient(s.t, s.dial(http.Header{
			"User-Agent":      {"Firefox/1 Windows " + headerText(a.text)},
			"X-Forwarded-For": {fmt.Sprintf("10.9.%d.%d", i/200, i%200+1)},
		}))
		name := a.text
		if runes := []rune(name); len(runes) > protocol.MaxDeviceNameLength {
			if f := k.Call("connect", toJSON(map[string]any{"device_name": name})); f.OK {
				s.t.Errorf("%q may be a device's name", name)
			}
			s.count(s.refused, "device that waits", 1)
			name = string(runes[:protocol.MaxDeviceNameLength])
		}
		devices[i] = device{k, k.Must("connect", toJSON(map[string]any{"device_name": name}))}
		names = append(names, pairing.Name("Firefox/1 Windows", name))
	}
	s.console.wait("all wait", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === `+strconv.Itoa(len(s.attacks)))
	pending := "#" + markup.IDPendingList + " [data-slot=device-name]"
	s.consoleNoClient.visit(s.gateway.url("/admin"))
	for w, how := range map[*monitor]string{s.console: ", live", s.consoleNoClient: ""} {
		w.checkHarmless("pairings" + how)
		s.checkShown("device that waits"+how, w.textsOf(pending), names)
	}
	s.checkDialogs("approval's dialog", markup.ActionApprove, markup.IDApproveDialog,
		markup.SlotDeviceName, names)
	for i, a := range s.attacks {
		code := devices[i].hello.Payload.Code
		if f := s.admin.Call("device.pair.approve", toJSON(map[string]any{"code": code, "userId": a.text})); f.OK {
			s.count(s.shown, "user of a device", 1)
		} else {
			s.count(s.refused, "user of a device", 1)
			s.admin.Must("device.pair.approve",
				toJSON(map[string]any{"code": code, "label": a.text}))
			if label := pairing.Name("", a.text); label != "Unknown browser" && len([]rune(a.text)) <= protocol.MaxDeviceNameLength {
				labels = append(labels, label)
			}
		}
		devices[i].talk.Must("connect", toJSON(map[string]any{"sender_id": devices[i].hello.Payload.SenderID}))
	}
	s.console.wait("nobody waits", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 0`)
	s.consoleNoClient.visit(s.gateway.url("/admin"))
	for w, how := range map[*monitor]string{s.console: ", live", s.consoleNoClient: ""} {
		w.checkHarmless("devices" + how)
		s.checkShown("device"+how, w.textsOf("#"+markup.IDDeviceList+" [data-slot=label]"), labels)
	}
	s.checkDialogs("device's dialog", markup.ActionRevoke, markup.IDRevokeDialog, markup.SlotLabel,
		s.consoleNoClient.textsOf("#"+markup.IDDeviceList+" [data-slot=label]"))
	for i := range 12 {
		devices[i].talk.Close()
	}
}

// audit checks that the audit log names all of these texts.
func (s *xssSuite) audit() {
	s.console.open(s.gateway.url("/admin/audit"))
	s.console.checkHarmless("audit log")
	log := strings.Builder{}
	for next := s.gateway.url("/admin/audit"); next != ""; {
		s.consoleNoClient.visit(next)
		s.consoleNoClient.checkHarmless("audit log")
		log.WriteString(strings.Join(s.consoleNoClient.textsOf("tr[data-row] td"), "\n"))
		next = evaluate[string](s.consoleNoClient.tab,
			`[...document.querySelectorAll(".pager a")].find((a) => a.textContent === "Older")?.href ?? ""`)
	}
	for _, a := range s.attacks {
		if strings.Contains(log.String(), strings.TrimSpace(a.text)) {
			s.count(s.shown, "audit log", 1)
			continue
		}
		if s.count(s.refused, "audit log", 1); s.refused["audit log"] > s.refused["key"] {
			s.t.Errorf("the audit log does not have %q", a.text)
		}
	}
}

// faults of a configuration quote the wrong words.
func (s *xssSuite) faults() {
	wrong := map[string]any{}
	for _, a := range s.attacks {
		wrong[a.text] = a.text
	}
	s.gateway.Configure(toJSON(map[string]any{"gateway": wrong,
		"agents": map[string]any{"list": wrong}}))
	s.console.open(s.gateway.url("/admin/status"))
	s.console.wait("connected", connectionIs(markup.LinkConnected))
	s.console.click(actionSelector(markup.ActionReloadConfig))
	s.console.wait("refused", `document.querySelector("#`+markup.IDReload+`").dataset.state === "`+markup.ReloadFailed+`"`)
	s.console.checkHarmless("faults of the config")
	text := s.console.text("#" + markup.IDReload)
	for _, a := range s.attacks {
		if strings.Contains(text, a.text) {
			s.count(s.shown, "fault of the config", 1)
		}
	}
	if s.shown["fault of the config"] == 0 {
		s.t.Errorf("no fault is quoted: %q", text)
	}
}

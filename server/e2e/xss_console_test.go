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

// dialogs opens the dialog of every fourth row of the console, and looks at what
// it says.
func (s *siege) dialogs(door, action, dialog, slot string, names []string) {
	s.t.Helper()
	s.console.run("open dialogs", chromedp.Evaluate[chromedp.Void](`window.said = undefined; (async () => {
		const said = [];
		const dialog = document.getElementById(`+script(dialog)+`);
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
	s.console.harmless(door)
	said := evaluate[[]string](s.console.tab, `window.said`)
	for _, text := range said {
		s.arrived(door, append([]string{"admin"}, names...), []string{text})
	}
	if len(said) < len(s.all)/5 {
		s.t.Errorf("%s: %d were opened", door, len(said))
	}
}

// labels are those of sessions, each with an agent that is called so, too, and
// failed with an error that names its model.
func (s *siege) labels() {
	s.chat.open(s.g.url("/"))
	s.chat.wait("connected", link(markup.LinkConnected))
	s.console.open(s.g.url("/admin/sessions"))
	s.console.wait("connected", link(markup.LinkConnected))
	for batch := range slices.Chunk(s.all, 40) {
		var labels, agents, failures, urls []string
		last := ""
		for _, a := range batch {
			key := a.name("label")
			send := map[string]any{"sessionKey": key, "message": failWord, "ack": "accepted"}
			if validLabel(a.text) {
				send["agentId"] = a.name("agent")
				agents = append(agents, a.text)
				failures = append(failures, fmt.Sprintf("The model server does not know the model %q. An admin has to check agents.list.%s.model.", a.text, a.name("agent")))
			} else {
				s.count(s.refused, "agent's name", 1)
			}
			s.user.Must("chat.send", script(send))
			if f := s.user.Call("sessions.patch", script(map[string]any{"sessionKey": key, "label": a.text})); !f.OK {
				s.count(s.refused, "session's label", 1)
				continue
			}
			labels, last = append(labels, a.text), key
		}
		for _, a := range batch {
			urls = append(urls, s.g.url("/s/"+a.name("label")))
		}
		label := script(labels[len(labels)-1])
		s.chat.wait("the last label", `document.querySelector('[data-session-key="`+last+`"] [data-slot=label]')?.textContent.trim() === `+label+`.trim()`)
		s.chat.harmless("sessions, live")
		s.arrived("session's label, live", s.chat.slot("#"+markup.IDSessionList+" [data-slot=label]"), labels)
		s.console.wait("the last label", `document.querySelector('[data-row="`+last+`"] .row-link')?.textContent.trim() === `+label+`.trim()`)
		s.console.harmless("console's sessions, live")
		s.arrived("session of the console, live", s.console.slot(".row-link"), labels)
		s.arrived("agent of the console, live", s.console.slot("tr[data-row] td:nth-child(3) .break"), agents)
		s.plain.visit(s.g.url("/"))
		s.plain.harmless("sessions")
		s.arrived("session's label", s.plain.slot("#"+markup.IDSessionList+" [data-slot=label]"), labels)
		s.bare.visit(s.g.url("/admin/sessions"))
		s.bare.harmless("console's sessions")
		s.arrived("session of the console", s.bare.slot(".row-link"), labels)

		s.chat.open(s.g.url("/s/" + last))
		s.chat.wait("the title", `document.title.includes(`+label+`.trim())`)
		s.chat.harmless("session's page")
		names := s.fetch(s.plain, urls, "#"+markup.IDSessionTitle+", #"+markup.IDAgentName+", .message-assistant [data-slot=error]")
		s.arrived("session's title", names, labels)
		s.arrived("agent's name", names, agents)
		s.arrived("error that names a model", names, failures)
	}
}

// keys have the attacks' names, and act for users who are called so.
func (s *siege) keys() {
	s.console.open(s.g.url("/admin/keys"))
	s.console.wait("connected", link(markup.LinkConnected))
	var names []string
	for _, a := range s.all {
		if f := s.boss.Call("api_keys.create", script(map[string]any{"name": a.text, "userId": a.text, "role": "viewer"})); !f.OK {
			s.count(s.refused, "key", 1)
			continue
		}
		names = append(names, a.text)
	}
	s.console.wait("the last one", `document.querySelectorAll("tr[data-row]").length === `+strconv.Itoa(len(names)))
	for w, how := range map[*watch]string{s.console: ", live", s.bare: ""} {
		if w == s.bare {
			w.visit(s.g.url("/admin/keys"))
		}
		w.harmless("keys" + how)
		s.arrived("key's name"+how, w.slot("tr[data-row] [data-slot=name]"), names)
		s.arrived("key's user"+how, w.slot("tr[data-row] [data-slot=user]"), names)
	}
	s.dialogs("key's dialog", markup.ActionRevokeKey, markup.IDRevokeKeyDialog, markup.SlotName, names)
}

// pairings are asked for by devices that are called so, and are given such labels.
func (s *siege) pairings() {
	s.console.open(s.g.url("/admin"))
	s.console.wait("connected", link(markup.LinkConnected))
	type device struct {
		talk  *rig.Talk
		hello rig.Frame
	}
	devices := make([]device, len(s.all))
	var names, labels []string
	for i, a := range s.all {
		k := rig.Converse(s.t, s.dial(http.Header{
			"User-Agent":      {"Firefox/1 Windows " + headerText(a.text)},
			"X-Forwarded-For": {fmt.Sprintf("10.9.%d.%d", i/200, i%200+1)},
		}))
		name := a.text
		if runes := []rune(name); len(runes) > protocol.MaxDeviceNameLength {
			if f := k.Call("connect", script(map[string]any{"device_name": name})); f.OK {
				s.t.Errorf("%q may be a device's name", name)
			}
			s.count(s.refused, "device that waits", 1)
			name = string(runes[:protocol.MaxDeviceNameLength])
		}
		devices[i] = device{k, k.Must("connect", script(map[string]any{"device_name": name}))}
		names = append(names, pairing.Name("Firefox/1 Windows", name))
	}
	s.console.wait("all wait", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === `+strconv.Itoa(len(s.all)))
	pending := "#" + markup.IDPendingList + " [data-slot=device-name]"
	s.bare.visit(s.g.url("/admin"))
	for w, how := range map[*watch]string{s.console: ", live", s.bare: ""} {
		w.harmless("pairings" + how)
		s.arrived("device that waits"+how, w.slot(pending), names)
	}
	s.dialogs("approval's dialog", markup.ActionApprove, markup.IDApproveDialog, markup.SlotDeviceName, names)
	for i, a := range s.all {
		code := devices[i].hello.Payload.Code
		if f := s.boss.Call("device.pair.approve", script(map[string]any{"code": code, "userId": a.text})); f.OK {
			s.count(s.shown, "user of a device", 1)
		} else {
			s.count(s.refused, "user of a device", 1)
			s.boss.Must("device.pair.approve", script(map[string]any{"code": code, "label": a.text}))
			if label := pairing.Name("", a.text); label != "Unknown browser" && len([]rune(a.text)) <= protocol.MaxDeviceNameLength {
				labels = append(labels, label)
			}
		}
		devices[i].talk.Must("connect", script(map[string]any{"sender_id": devices[i].hello.Payload.SenderID}))
	}
	s.console.wait("nobody waits", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 0`)
	s.bare.visit(s.g.url("/admin"))
	for w, how := range map[*watch]string{s.console: ", live", s.bare: ""} {
		w.harmless("devices" + how)
		s.arrived("device"+how, w.slot("#"+markup.IDDeviceList+" [data-slot=label]"), labels)
	}
	s.dialogs("device's dialog", markup.ActionRevoke, markup.IDRevokeDialog, markup.SlotLabel, s.bare.slot("#"+markup.IDDeviceList+" [data-slot=label]"))
	for i := range 12 {
		devices[i].talk.Close()
	}
}

// audit has told of all this.
func (s *siege) audit() {
	s.console.open(s.g.url("/admin/audit"))
	s.console.harmless("audit log")
	said := strings.Builder{}
	for next := s.g.url("/admin/audit"); next != ""; {
		s.bare.visit(next)
		s.bare.harmless("audit log")
		said.WriteString(strings.Join(s.bare.slot("tr[data-row] td"), "\n"))
		next = evaluate[string](s.bare.tab, `[...document.querySelectorAll(".pager a")].find((a) => a.textContent === "Older")?.href ?? ""`)
	}
	for _, a := range s.all {
		if strings.Contains(said.String(), strings.TrimSpace(a.text)) {
			s.count(s.shown, "audit log", 1)
			continue
		}
		if s.count(s.refused, "audit log", 1); s.refused["audit log"] > s.refused["key"] {
			s.t.Errorf("the audit log does not tell of %q", a.text)
		}
	}
}

// faults of a config are told with the words that are wrong.
func (s *siege) faults() {
	wrong := map[string]any{}
	for _, a := range s.all {
		wrong[a.text] = a.text
	}
	s.g.Configure(script(map[string]any{"gateway": wrong, "agents": map[string]any{"list": wrong}}))
	s.console.open(s.g.url("/admin/status"))
	s.console.wait("connected", link(markup.LinkConnected))
	s.console.click(do(markup.ActionReloadConfig))
	s.console.wait("refused", `document.querySelector("#`+markup.IDReload+`").dataset.state === "`+markup.ReloadFailed+`"`)
	s.console.harmless("faults of the config")
	said := s.console.text("#" + markup.IDReload)
	for _, a := range s.all {
		if strings.Contains(said, a.text) {
			s.count(s.shown, "fault of the config", 1)
		}
	}
	if s.shown["fault of the config"] == 0 {
		s.t.Errorf("no fault is told: %q", said)
	}
}

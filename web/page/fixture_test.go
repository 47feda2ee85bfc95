package page

import (
	"strings"

	"github.com/a-h/templ"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// view is one page in one state. Together the views have every element, and texts that are
// long, wide or in foreign scripts.
type view struct {
	name string
	page templ.Component
}

func views() []view {
	all := []view{
		{"chat", Chat(chatModel())},
		{"chat-new", Chat(newChatModel())},
		{"chat-extremes", Chat(extremeChatModel())},
		{"chat-states", Chat(statesChatModel())},
		{"chat-viewer", Chat(viewerChatModel())},
		{"admin", Admin(adminModel())},
		{"admin-empty", Admin(AdminModel{Console: Console{Site: site(), Viewer: admin()}})},
		{"notice-404", Notice(NoticeModel{Site: site(), Status: "404", Title: "There is nothing here", Text: "The address may be mistyped, or the chat was deleted.", ActionText: "To the chat", ActionHref: "/"})},
		{"notice-500", Notice(NoticeModel{Site: site(), Status: "500", Title: "Something broke on our side", Text: "It has been written down. Try again in a moment; nothing you sent before is lost.", Detail: "fault 7Q4K-19D2", ActionText: "Try again", ActionHref: "/"})},
	}
	all = append(all, view{"docs", Docs(docsModel())}, view{"docs-index", Docs(DocsModel{Site: site(), Title: "The manual", Index: true})})
	for _, state := range []string{markup.StateGone, markup.StateRevoked, markup.StateSignedOut} {
		m := chatModel()
		m.State = state
		all = append(all, view{"chat-" + state, Chat(m)})
	}
	all = append(all, consoleViews()...)
	for _, state := range pairingStates() {
		all = append(all, view{"pairing-" + state, Pairing(PairingModel{Site: site(), State: state, DeviceName: "Firefox on Windows"})})
	}
	for _, state := range loginStates() {
		all = append(all, view{"login-" + state, Login(LoginModel{Site: site(), State: state})})
	}
	return all
}

func pairingStates() []string {
	return []string{
		markup.StateConnecting, markup.StateWaiting, markup.StateApproved, markup.StateDenied, markup.StateExpired,
		markup.StateRevoked, markup.StateSignedOut, markup.StateUnreachable, markup.StatePairingOff, markup.StateTooMany,
		markup.StateNoCookies, markup.StateWrongAddress,
	}
}

func loginStates() []string {
	return []string{
		markup.StateForm, markup.StateRedeeming, markup.StateLinkFailed, markup.StateTokenRefused,
		markup.StateTooMany, markup.StateUnreachable, markup.StateWrongAddress, markup.StateNoCookies,
		markup.StateSuccess,
	}
}

// The frame that the formatter puts around code.
const (
	codeOpen  = `<div class="code" data-lang="go"><div class="code-head"><span class="code-lang">go</span><button type="button" class="code-copy" aria-label="Copy go code" data-action="copy-code">Copy</button></div><pre tabindex="0" role="group" aria-label="Code, go"><code class="chroma">`
	codeClose = `</code></pre></div>`
)

// ended returns an answer that a limit or a filter has ended.
func ended(finish string) part.Message {
	return part.Message{From: markup.FromAssistant, ID: "m-" + finish, Status: markup.StatusComplete,
		Name: "Demo agent", Text: "The first of the", Finish: finish}
}

// files returns a picture, a tall picture, and a file that is no picture and has a long name.
func files() []part.File {
	return []part.File{
		{Name: "evening.png", Size: "2.4 MB", Href: "/api/media/1", Picture: "/api/media/1?thumbnail", Width: 320, Height: 213},
		{Name: "tower.jpg", Size: "340 kB", Href: "/api/media/2", Picture: "/api/media/2?thumbnail", Width: 20, Height: 240},
		{Name: "a-name-without-any-place-to-break-it-" + strings.Repeat("long", 30) + ".csv", Size: "14 kB", Href: "/api/media/3"},
		{Name: "scan.pdf", Size: "1.2 MB", Href: "/api/media/3", NoText: true},
	}
}

func site() Site {
	return Site{
		Assets:   part.Assets{Stylesheet: "/css/index.css", Script: "/loader.js", Wasm: "/gatehouse.wasm", Exec: "/wasm_exec.js", Icon: "/icons/favicon.svg"},
		Instance: "gh-4f1c",
	}
}

func anna() Viewer {
	return Viewer{User: "anna", Role: markup.RoleOperator, Device: "Firefox on Windows", DeviceID: "dev-anna"}
}

func admin() Viewer {
	return Viewer{User: "root", Role: markup.RoleAdmin, Device: "Safari on iPhone", DeviceID: "dev-root"}
}

func at(text string) part.Moment {
	return part.Moment{RFC3339: "2026-03-04T14:05:00Z", Text: text}
}

func chatModel() ChatModel {
	return ChatModel{
		Site: site(), Viewer: admin(), State: markup.StateReady,
		SessionKey: "agent:default:ws:direct:1", Title: "A harbour wall in Go", Agent: "Demo agent",
		Epoch: "e1", LastSeq: 42, HasMore: true, Running: true, Pending: "2",
		Messages: conversation(), Sessions: sessions(),
	}
}

func newChatModel() ChatModel {
	m := chatModel()
	m.Viewer = anna()
	m.SessionKey, m.Title, m.Epoch, m.LastSeq, m.HasMore, m.Running = "", "New chat", "", 0, false, false
	m.Messages, m.Sessions = nil, nil
	m.Suggestions = []string{"What can you show me?", "Show me markdown", "Write some Go", "Count slowly to twenty"}
	return m
}

func viewerChatModel() ChatModel {
	m := chatModel()
	m.Viewer.Role, m.Running = markup.RoleViewer, false
	m.Messages = m.Messages[:2]
	return m
}

func conversation() []part.Message {
	return []part.Message{
		{From: markup.FromUser, ID: "m1", Seq: 30, Status: markup.StatusComplete, Time: at("14:05"), Text: "How would you keep a log gapless when several writers append at once?", Files: files()[:1]},
		{From: markup.FromAssistant, Name: "Demo agent", ID: "m2", RunID: "r1", Seq: 35, Status: markup.StatusComplete, Time: at("14:05"), Thinking: "The user asks about ordering.\nOne writer per log settles it.", Blocks: []string{
			"<p>Give every log <strong>one</strong> writer, and let the others queue. Then a sequence number is just a counter:</p>",
			codeOpen + `func (l *Log) Append(e Event) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = l.last + 1
	if err := l.store.Put(e); err != nil {
		return 0, err // nothing was numbered
	}
	l.last = e.Seq
	return e.Seq, nil
}` + codeClose,
			"<p>Three things follow from that:</p>",
			"<ol><li>A failed write <em>uses no number</em>, so no gap can arise.</li><li>Readers ask for <code>seq &gt; n</code> and know when they have everything.</li><li>Commits can be grouped without anybody noticing.</li></ol>",
		}},
		{From: markup.FromSystem, ID: "m3", Seq: 36, Status: markup.StatusComplete, Time: at("14:07"), Label: "deploy bot", Text: "Version 1.4 is live on staging."},
		{From: markup.FromUser, ID: "m4", Seq: 37, Status: markup.StatusComplete, Time: at("14:08"), Text: "And when the process dies between the two?", ByOther: true, Author: "root"},
		{From: markup.FromAssistant, Name: "Demo agent", ID: "m5", RunID: "r2", Seq: 42, Status: markup.StatusStreaming, Time: at("14:08"), Activity: "", Blocks: []string{
			"<p>Then the transaction never happened. SQLite rolls it back when the file is opened again, and the counter is read from what is <em>stored</em>, not from what was in mem</p>",
		}},
	}
}

func statesChatModel() ChatModel {
	m := chatModel()
	m.Viewer = anna()
	m.Running, m.HasMore, m.Title = false, false, "Every state a message can have"
	say := func(status, text string) part.Message {
		return part.Message{From: markup.FromUser, ID: "u-" + status, Status: status, Time: at("14:05"), Text: text, Error: "The gateway says: message too long."}
	}
	answer := func(status, text string) part.Message {
		return part.Message{From: markup.FromAssistant, Name: "Demo agent", ID: "a-" + status, Status: status, Time: at("14:06"), Error: "The model server at 127.0.0.1:11434 refused the connection. Is it running?", Activity: "retrying…", Blocks: []string{"<p>" + text + "</p>"}}
	}
	m.Messages = []part.Message{
		say(markup.StatusComplete, "This one was answered."),
		answer(markup.StatusComplete, "Yes, it was."),
		ended(markup.FinishLength), ended(markup.FinishFilter),
		answer(markup.StatusAborted, "This was cut sh"),
		answer(markup.StatusFailed, "This broke in the mid"),
		{From: markup.FromAssistant, Name: "Demo agent", ID: "nothing", Status: markup.StatusFailed, Time: at("14:06"), Error: "The answer was interrupted: the gateway restarted."},
		say(markup.StatusWithdrawn, "I take this back."),
		{From: markup.FromAssistant, Name: "Demo agent", ID: "begin", Status: markup.StatusStreaming, Time: at("14:06"), Activity: "thinking…"},
		answer(markup.StatusStreaming, "This is still on its w"),
		say(markup.StatusQueued, "This waits for its turn."),
		say(markup.StatusSending, "This is on its way."),
		say(markup.StatusWaiting, "This was written in a tunnel."),
		say(markup.StatusUnsent, "This was refused."),
	}
	return m
}

func extremeChatModel() ChatModel {
	m := chatModel()
	m.Title = "An extraordinarily long name for a chat that nobody would ever choose but that a model made up all the same"
	m.Agent = "claude-of-the-very-long-model-name-2026-02-01-preview"
	word := strings.Repeat("Donaudampfschifffahrtsgesellschaftskapitän", 4)
	wide := `<div class="table-frame" tabindex="0" role="group" aria-label="Table, 9 columns">` + "<table><thead><tr>" + strings.Repeat("<th>Column heading</th>", 9) + "</tr></thead><tbody>" +
		strings.Repeat("<tr>"+strings.Repeat(`<td align="right">1,234,567.89</td>`, 8)+"<td>and a remark that is rather long</td></tr>", 4) + "</tbody></table></div>"
	m.Messages = []part.Message{
		{From: markup.FromUser, ID: "x1", Status: markup.StatusComplete, Time: at("09:00"), Text: word + "\n\n  indented, kept\n\tand with a tab\nhttps://example.org/" + strings.Repeat("path/", 40)},
		{From: markup.FromAssistant, Name: m.Agent, ID: "x2", Status: markup.StatusComplete, Time: at("09:00"), Blocks: []string{
			"<h2>Heading two</h2>", "<p>" + word + " and then <code>" + strings.Repeat("inline_code_", 12) + "</code>.</p>",
			"<h3>A wide table</h3>", wide,
			"<h4>A long block of code</h4>",
			codeOpen + strings.Repeat("if err := gateway.Do(ctx, request, withAnOptionThatHasALongName(), andAnotherOne()); err != nil { return fmt.Errorf(\"do: %w\", err) }\n", 60) + codeClose,
			"<blockquote><p>Who goes there?</p><p>A friend, with a code of eight letters.</p></blockquote>",
			`<ul><li>one<ul><li>nested<ul><li>deeper</li></ul></li></ul></li><li><input type="checkbox" disabled checked aria-label="done">done</li><li><input type="checkbox" disabled aria-label="not done">not done</li></ul>`, "<hr>",
			"<p>A <a href=\"https://example.org\">link</a>, <strong>strong</strong>, <em>emphasis</em>, <del>deleted</del>. 👩🏽‍🚀 🏰 🇪🇺 👍</p>",
		}},
		{From: markup.FromUser, ID: "x3", Status: markup.StatusComplete, Time: at("09:02"), Files: files(), Text: "שלום, איך שומרים יומן בלי חורים? (בעברית)"},
		{From: markup.FromAssistant, Name: m.Agent, ID: "x4", Status: markup.StatusComplete, Time: at("09:02"), Blocks: []string{
			"<p>כותב אחד לכל יומן, והשאר בתור.</p>", "<p>And one line in English, left to right.</p>",
			"<ol><li>ראשון</li><li>שני</li></ol>", "<p>مرحبا بالعالم، هذا سطر بالعربية.</p>",
		}},
	}
	return m
}

func sessions() []part.Session {
	all := []part.Session{
		{Key: "agent:default:ws:direct:0", Label: "House rules", Time: at("2 days ago"), Pinned: true},
		{Key: "agent:default:ws:direct:1", Label: "A harbour wall in Go", Time: at("now"), Current: true, Running: true},
		{Key: "agent:default:ws:direct:2", Label: "An extraordinarily long name for a chat that nobody would choose", Time: at("5 minutes ago")},
		{Key: "agent:default:ws:direct:3", Label: "תכנון טיול לים", Time: at("1 hour ago")},
		{Key: "agent:default:ws:direct:4", Label: "Bread without kneading 🍞", Time: at("3 hours ago"), Running: true},
	}
	for i := range 14 {
		all = append(all, part.Session{Key: "agent:default:ws:direct:old" + strings.Repeat("i", i), Label: "Letters to the landlord", Time: at("51 days ago")})
	}
	return all
}

func adminModel() AdminModel {
	return AdminModel{
		Console: adminConsole(),
		Waiting: []part.Pending{
			{Code: "K7QMX2PA", DeviceID: "d1", DeviceName: "Anna’s laptop", Browser: "Firefox on Windows", Address: "192.168.1.23", Since: at("2 minutes ago"), Remaining: "58 minutes"},
			{Code: "ZW4HEX9T", DeviceID: "d2", DeviceName: "Safari on iPhone with a name that its owner typed and typed and typed", Browser: "Safari on iPhone", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Since: at("now"), Remaining: "60 minutes", Resembles: "root-of-all-with-a-name-that-goes-on-and-on (admin)"},
			{Code: "HN4PX7QA", DeviceID: "d3", DeviceName: "Chrome on Android", Address: "192.168.1.23", Since: at("12 minutes ago"), Remaining: "48 minutes", Left: true},
		},
		More: "1,240 more requests", Left: "1 request",
		Devices: []part.Device{
			{ID: "dev-root", Label: "Safari on iPhone", Browser: "Safari on iPhone", User: "root", Role: markup.RoleAdmin, LastSeen: at("now"), Since: at("20 days ago"), This: true},
			{ID: "dev-anna", Label: "Anna’s laptop", Browser: "Firefox on Windows", User: "user-7f3k2m9q", Role: markup.RoleOperator, LastSeen: at("5 minutes ago"), Since: at("1 day ago")},
			{ID: "dev-kiosk", Label: "The kiosk in the hall with the very long description", Browser: "Chrome on Android", User: strings.Repeat("a-long-user-id-", 4), Role: markup.RoleViewer, LastSeen: at("23 days ago"), Since: at("74 days ago")},
		},
		Resolved: []part.Resolved{
			{Outcome: markup.ResolvedApproved, DeviceName: "Anna’s laptop", User: "user-7f3k2m9q", Role: markup.RoleOperator, Time: at("14:05")},
			{Outcome: markup.ResolvedDenied, DeviceName: "Chrome on Linux", Time: at("13:40")},
			{Outcome: markup.ResolvedExpired, DeviceName: "Edge on Windows", Time: at("09:12")},
			{Outcome: markup.ResolvedWithdrawn, DeviceName: "Firefox on Linux", Time: at("5 hours ago")},
			{Outcome: markup.ResolvedSignedOut, DeviceName: "The kiosk", User: "anna", Role: markup.RoleViewer, Time: at("7 hours ago")},
			{Outcome: markup.ResolvedRevoked, DeviceName: "Old phone", User: "anna", Time: at("1 day ago")},
		},
		Users: []string{"anna", "root", "user-7f3k2m9q"},
	}
}

func docsModel() DocsModel {
	page := DocsLink{Title: "Docker", Href: "/docs/docker", Current: true}
	return DocsModel{
		Site: site(), Title: "Docker", Previous: &DocsLink{Title: "People and devices", Href: "/docs/people"}, Next: &DocsLink{Title: "A page with a long name that goes on", Href: "/docs/next"},
		Chapters: []DocsChapter{{"Use", []DocsLink{{Title: "Get started", Href: "/docs/start"}}}, {"Run", []DocsLink{page}}},
		Sections: []DocsLink{{Title: "Where it is kept", Href: "#kept-heading"}, {Title: "A model on the host", Href: "#host-heading", Deep: true}},
		Blocks: []string{"<h1 id=\"docker-heading\">Docker</h1>", "<p>Words, with <code>code</code>.</p>",
			`<h2 id="kept-heading">Where it is kept <a class="anchor" href="#kept-heading" aria-label="Link to this section">#</a></h2>`,
			`<div class="code" data-lang="sh"><pre><code class="chroma">docker run gatehouse</code></pre></div>`},
	}
}

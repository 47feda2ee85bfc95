package httpd

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a-h/templ"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

var update = flag.Bool("update", false, "write shared/words/testdata")

// TestPagesThatTheClientTakesOver renders pages and holds that shared/words/testdata
// has them, beside what the gateway tells the client of the same data. There
// TestTakeoverChangesNoText (wasm/internal/app) has the client draw the data again.
// After a change of a page:
//
//	go test ./server/internal/httpd -run TestPagesThatTheClientTakesOver -update
func TestPagesThatTheClientTakesOver(t *testing.T) {
	zone := time.Local
	time.Local = time.UTC // that of the test of the client; this test is not parallel
	t.Cleanup(func() { time.Local = zone })
	synctest.Test(t, func(t *testing.T) {
		keep(t, "admin", page.Admin(takeoverAdmin()), map[string]any{
			"device.pair.list": takeoverDevices(),
		})
		keep(t, "chat", page.Chat(takeoverChat()), map[string]any{
			"device.pair.list": takeoverDevices(),
			"agents.list":      json.RawMessage(`{"agents":[{"id":"main","name":"Demo agent","provider":"builtin","default":true}]}`),
			"sessions.list":    takeoverSessions(),
			"chat.history":     takeoverHistory(),
		})
		keep(t, "console", page.AdminKeys(takeoverKeys()), map[string]any{
			"device.pair.list": takeoverDevices(),
		})
	})
}

// before is a moment that long ago.
func before(d time.Duration) protocol.Time { return protocol.At(time.Now().Add(-d)) }

const aDay = 24 * time.Hour

// takeoverDevices are User-Agents, labels, names and ages that can be told in more
// than one way.
func takeoverDevices() protocol.DeviceListResult {
	const webKit = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	// As the gateway orders them: the oldest first, and then one that has left.
	list := protocol.DeviceListResult{Pending: []protocol.PendingDevice{
		{Code: "AAAAAAAA", DeviceID: "p1", Address: "192.0.2.1",
			CreatedAt: before(59*time.Minute + 29*time.Second),
			ExpiresAt: before(-30500 * time.Millisecond)},
		{Code: "BBBBBBBB", DeviceID: "p2", DeviceName: "Vivaldi on Linux", Address: "192.0.2.2",
			UserAgent: webKit + "Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5.3735.41",
			CreatedAt: before(90 * time.Second), ExpiresAt: before(-58*time.Minute - 30*time.Second)},
		{Code: "CCCCCCCC", DeviceID: "p3", DeviceName: "Аnna", Address: "2001:db8::1", Left: true,
			Resembles: "anna", ResemblesRole: protocol.Operator,
			CreatedAt: before(59*time.Minute + 40*time.Second),
			ExpiresAt: before(-20500 * time.Millisecond)},
	}, PendingTotal: 1203, Users: []protocol.KnownUser{{UserID: "anna", Role: protocol.Operator},
		{UserID: "zoe"}}}
	for i, d := range []protocol.PairedDevice{
		{DeviceName: "Anna’s laptop", UserAgent: "Mozilla/5.0 (X11; FreeBSD amd64; rv:143.0) Gecko/20100101 Firefox/143.0", LastSeenAt: before(30 * time.Second), CreatedAt: before(5 * time.Hour), PairedAt: before(4 * time.Hour)},
		{Label: "The kiosk", DeviceName: "x",
			UserAgent:  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15 Epiphany/605.1.15",
			LastSeenAt: before(90 * time.Minute), CreatedAt: before(30 * time.Hour)},
		{UserAgent: "curl/8.5.0", CreatedAt: before(47 * time.Hour)}, // never seen since
		{UserAgent: "", LastSeenAt: before(1204 * aDay), CreatedAt: before(2000 * aDay)},
	} {
		d.DeviceID, d.UserID, d.Role, d.Address = "d"+string(rune('1'+i)), "anna", protocol.Operator,
			"192.0.2.9"
		list.Paired = append(list.Paired, d)
	}
	return list
}

func takeoverConsole() page.Console {
	return page.Console{
		Site: page.Site{Instance: "i", Assets: part.Assets{Script: "/boot.js"}},
		Viewer: page.Viewer{User: "anna", Role: markup.RoleAdmin, Device: "Anna’s laptop",
			DeviceID: "d1"},
		Pending: words.Badge(len(takeoverDevices().Pending)),
	}
}

func takeoverAdmin() page.AdminModel {
	list := takeoverDevices()
	past := []pairing.Resolved{{PairedDevice: list.Paired[2], Status: protocol.PairingRevoked,
		ResolvedAt: before(125 * time.Second)}}
	return page.AdminModel{
		Console: takeoverConsole(), Waiting: pendingCards(list.Pending),
		More: words.MorePending(list.PendingTotal, len(list.Pending)), Left: leftOf(list.Pending),
		Devices:  deviceRows(list.Paired, "d1"),
		Resolved: resolvedLines(past), Users: users(list.Users),
	}
}

// sessionRecords are listed as the store lists them: pinned first, then the latest.
func sessionRecords() []session.Record {
	at := time.Now()
	return []session.Record{
		{Key: "ws:pinned", UserID: "anna", AgentID: "main", Label: "A harbour wall", Pinned: true,
			Epoch: "a", UpdatedAt: at.Add(-50 * aDay)},
		{Key: "ws:shown", UserID: "anna", AgentID: "main", Epoch: "e", LastSeq: 5, Running: true,
			UpdatedAt: at.Add(-10 * time.Second)},
		{Key: "ws:1;ä/?#", UserID: "anna", AgentID: "main", Epoch: "b",
			UpdatedAt: at.Add(-119 * time.Minute)},
		{Key: "ws:old", UserID: "anna", AgentID: "main", Label: "תכנון טיול", Epoch: "c",
			UpdatedAt: at.Add(-36 * time.Hour)},
	}
}

func takeoverSessions() protocol.SessionsListResult {
	var list protocol.SessionsListResult
	for _, rec := range sessionRecords() {
		list.Sessions = append(list.Sessions, rec.Wire())
	}
	return list
}

// takeoverHistory has a message of each kind, and each way in which one can end.
func takeoverHistory() protocol.ChatHistoryResult {
	file := func(path string, size int64) protocol.Media {
		return protocol.Media{Path: protocol.MediaPath + path, Filename: path + ".txt",
			MimeType: "text/plain", Size: size}
	}
	picture := protocol.Media{Path: protocol.MediaPath + "9", Filename: "evening.png",
		MimeType: "image/png", Size: 2_440_000, Width: 1200, Height: 800, Thumbnail: true}
	return protocol.ChatHistoryResult{SessionKey: "ws:shown", Epoch: "e", LastSeq: 5,
		Messages: []protocol.Message{
			{ID: "m1", Seq: 1, Role: protocol.FromUser, Status: protocol.StatusComplete,
				CreatedAt: before(400 * aDay), Content: "Look",
				Media: []protocol.Media{file("1", 1), file("2", 999_500), file("3", 20<<20), picture}},
			{ID: "m2", Seq: 2, Role: protocol.FromAssistant, RunID: "r1", Status: protocol.StatusComplete,
				CreatedAt: before(30 * time.Hour), Content: "Seen.",
				Thinking: "Four files.", Finish: protocol.FinishLength, HTML: &protocol.HTML{Blocks: []string{"<p>Seen.</p>"}}},
			{ID: "m3", Seq: 3, Role: protocol.FromSystem, Status: protocol.StatusComplete,
				CreatedAt: before(time.Hour), Content: "Deployed.", Label: "deploy bot",
				Author: &protocol.Author{UserID: "root", Role: protocol.Admin}},
			{ID: "m4", Seq: 4, Role: protocol.FromUser, Status: protocol.StatusComplete,
				CreatedAt: before(time.Minute), Content: "By an admin",
				Author: &protocol.Author{UserID: "root", Role: protocol.Admin}},
			{ID: "m5", Seq: 5, Role: protocol.FromAssistant, RunID: "r2", Status: protocol.StatusFailed,
				CreatedAt: before(0), Error: "The model cannot be reached."},
		}}
}

func takeoverChat() page.ChatModel {
	console, history, list := takeoverConsole(), takeoverHistory(), sessionRecords()
	m := page.ChatModel{
		Site: console.Site, Viewer: console.Viewer, Pending: console.Pending, State: markup.StateReady,
		SessionKey: history.SessionKey,
		Title:      words.Session(list[1].Label), Agent: "Demo agent", Epoch: history.Epoch,
		LastSeq: history.LastSeq, Running: true,
		Sessions: sessionItems(list, history.SessionKey),
	}
	for i := range history.Messages {
		m.Messages = append(m.Messages, (&server{}).message(&history.Messages[i], m.Agent))
	}
	return m
}

func takeoverKeys() page.AdminKeysModel {
	m := page.AdminKeysModel{Console: takeoverConsole(), Users: []string{"anna"}}
	for _, k := range []protocol.APIKey{
		{ID: "k1", Name: "Nightly report", Prefix: "gh_3fQx9a", CreatedAt: before(3 * aDay),
			LastUsedAt: before(5*time.Minute + 30*time.Second), ExpiresAt: before(-400 * aDay)},
		{ID: "k2", Name: "Soon over", Prefix: "gh_Zk2-_x", CreatedAt: before(86 * time.Minute),
			ExpiresAt: before(-time.Hour)},
		{ID: "k3", Name: "Over", Prefix: "gh_9sQa1b", CreatedAt: before(100 * aDay),
			ExpiresAt: before(10 * aDay), RevokedAt: before(aDay)},
	} {
		k.UserID, k.Role, k.CreatedBy = "anna", protocol.Viewer, "root"
		m.Rows = append(m.Rows, keyRow(k))
	}
	return m
}

// keep compares a page, and the answers of the gateway, to what is kept of them.
func keep(t *testing.T, name string, content templ.Component, answers map[string]any) {
	t.Helper()
	var html strings.Builder
	if err := content.Render(context.Background(), &html); err != nil {
		t.Fatal(err)
	}
	payloads, err := json.MarshalIndent(answers, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string]string{name + ".html": bare(t, html.String()), name +
		".json": string(payloads) + "\n"} {
		path := filepath.Join("..", "..", "..", "shared", "words", "testdata", file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what is rendered now; see the comment of this test", path)
		}
	}
}

var (
	titleAndBody = regexp.MustCompile(`(?s)(<title[^>]*>.*</title>).*?(<body[^>]*>)(.*</body>)`)
	noText       = regexp.MustCompile(`(?s)<svg.*?</svg>|<noscript>.*?</noscript>| class="[^"]*"`)
)

// bare is a page as the document of the client's tests reads it: its <title> and
// <body>, without what has no text, a tag a line.
func bare(t *testing.T, html string) string {
	t.Helper()
	parts := titleAndBody.FindStringSubmatch(html)
	if parts == nil {
		t.Fatalf("no title, or no body: %.300s", html)
	}
	return strings.ReplaceAll(noText.ReplaceAllString(parts[2]+parts[1]+parts[3], ""), "><", ">\n<") +
		"\n"
}

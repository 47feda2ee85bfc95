package httpd_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// socket is a user's connection, made as by a page of the gateway.
func (s *served) socket(user string) *httpdtest.Client {
	s.t.Helper()
	c := httpdtest.Dial(s.t, s.url, http.Header{"Cookie": {s.users[user]}, "Origin": {s.url}})
	c.OK(protocol.MethodConnect, `{}`)
	return c
}

func media(paths ...string) string {
	var list []string
	for _, p := range paths {
		list = append(list, `{"path":"`+p+`","filename":"whatever"}`)
	}
	return `[` + strings.Join(list, ",") + `]`
}

func TestSendFiles(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.socket("zoe")
	pic, notes := s.uploaded("zoe", "cat.png", picture(t, 40, 30)),
		s.uploaded("zoe", "notes.txt", []byte("hello"))
	params := `{"message":"","media":` + media(pic.Path, notes.Path) +
		`,"idempotencyKey":"k","ack":"accepted"}`
	var sent, again protocol.ChatSendResult
	c.Read(c.OK(protocol.MethodChatSend, params), &sent)
	want := []protocol.Media{
		{Path: pic.Path, Filename: "cat.png", MimeType: "image/png", Size: pic.Size, Width: 40,
			Height: 30, Thumbnail: true},
		{Path: notes.Path, Filename: "notes.txt", MimeType: "text/plain", Size: 5},
	}
	check := func(what string, m protocol.Message) {
		t.Helper()
		if len(m.Media) != 2 || m.Media[0] != want[0] || m.Media[1] != want[1] {
			t.Errorf("%s: %+v, want %+v", what, m.Media, want)
		}
	}
	var event protocol.ChatEvent
	c.Read(c.Event(protocol.EventChat), &event)
	check("the event", event.Message)
	var history protocol.ChatHistoryResult
	c.Read(c.OK(protocol.MethodChatHistory, `{"sessionKey":"`+sent.SessionKey+`"}`), &history)
	check("the history", history.Messages[0])
	if list := s.sessions(c); len(list) != 1 || list[0].Label != "cat.png" {
		t.Errorf("the sessions are %+v", list)
	}
	// The files are a part of what an idempotency key stands for.
	c.Read(c.OK(protocol.MethodChatSend, params), &again)
	if again.MessageID != sent.MessageID || again.Status != protocol.SendDuplicate {
		t.Errorf("sent again: %+v", again)
	}
	c.Refused(protocol.AlreadyExists, "", protocol.MethodChatSend,
		strings.Replace(params, media(pic.Path, notes.Path), media(notes.Path, pic.Path), 1))
	c.Refused(protocol.AlreadyExists, "", protocol.MethodChatSend,
		strings.Replace(params, media(pic.Path, notes.Path), media(pic.Path), 1))
	// What a message has cannot be removed by itself, or be in another session.
	wantError(t, s.do(http.MethodDelete, "zoe", pic.Path, "", nil), http.StatusConflict,
		protocol.FailedPrecondition)
	c.Refused(protocol.FailedPrecondition, "media[0]", protocol.MethodChatSend,
		`{"message":"x","sessionKey":"new","media":`+media(pic.Path)+`}`)
	c.OK(protocol.MethodChatSend, `{"message":"once more","sessionKey":"`+sent.SessionKey+`","media":`+media(pic.Path)+`}`)
}

// sessions lists the sessions of the client's user.
func (s *served) sessions(c *httpdtest.Client) []protocol.Session {
	s.t.Helper()
	var list protocol.SessionsListResult
	c.Read(c.OK(protocol.MethodSessionsList, `{}`), &list)
	return list.Sessions
}

func TestSendFilesRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.socket("zoe")
	own, others := s.uploaded("zoe", "a.txt", []byte("hello")).Path,
		s.uploaded("other", "a.txt", []byte("hello")).Path
	gone := s.uploaded("zoe", "a.txt", []byte("hello")).Path
	if r := s.do(http.MethodDelete, "zoe", gone, "", nil); r.StatusCode != http.StatusNoContent {
		t.Fatalf("HTTP %d", r.StatusCode)
	}
	for _, row := range []struct {
		code         protocol.Code
		words, media string
	}{
		{protocol.Forbidden, "media[1]: file does not belong to user", media(own, others)},
		{protocol.NotFound, "media[0]: there is no such file", media(gone)},
		{protocol.InvalidRequest, "media[0].path", media("/etc/passwd")},
		{protocol.InvalidRequest, "media[0].path", media(protocol.MediaPath + "../../gatehouse.db")},
		{protocol.InvalidRequest, "media[1].path", media(own, own+"?thumbnail")},
		{protocol.InvalidRequest, "at most 10 files",
			media(strings.Split(strings.Repeat(own+" ", 10)+own, " ")...)},
		{protocol.InvalidRequest, "message must not be empty", `[]`},
	} {
		c.Refused(row.code, row.words, protocol.MethodChatSend, `{"message":" ","media":`+row.media+`}`)
	}
	if list := s.sessions(c); len(list) > 0 {
		t.Errorf("there are sessions: %+v", list)
	}
	// An admin may send what somebody else has uploaded: with the gateway token
	// one uploads as one user, and speaks as any.
	s.socket("boss").OK(protocol.MethodChatSend, `{"message":"","media":`+media(others)+`}`)
}

// The owner of a session can read its files. They are removed with the session.
func TestFilesOfSessions(t *testing.T) {
	t.Parallel()
	s := serve(t)
	zoe, boss := s.socket("zoe"), s.socket("boss")
	zoe.OK(protocol.MethodChatSend, `{"message":"echo hi","sessionKey":"zoes"}`)
	path := s.uploaded("boss", "a.txt", []byte("from an admin")).Path
	read := func(user string, want int) {
		t.Helper()
		if r := s.do(http.MethodGet, user, path, "", nil); r.StatusCode != want {
			t.Errorf("%s reads it: HTTP %d, want %d", user, r.StatusCode, want)
		}
	}
	read("zoe", http.StatusForbidden)
	boss.OK(protocol.MethodChatSend,
		`{"message":"echo look","sessionKey":"zoes","media":`+media(path)+`}`)
	read("zoe", http.StatusOK)
	read("other", http.StatusForbidden)
	unused := s.uploaded("zoe", "a.txt", []byte("never sent")).Path
	zoe.OK(protocol.MethodSessionsReset, `{"key":"zoes"}`)
	read("zoe", http.StatusNotFound)
	read("boss", http.StatusNotFound)
	for range 2 {
		if _, err := s.Media.Collect(t.Context(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.do(http.MethodGet, "zoe", unused, "", nil); r.StatusCode != http.StatusOK {
		t.Errorf("an unused file of today: HTTP %d", r.StatusCode)
	}
	if removed, err := s.Media.Collect(t.Context(), time.Now().Add(time.Hour)); err != nil ||
		removed != 1 {
		t.Errorf("%d unused files removed, %v", removed, err)
	}
	if r := s.do(http.MethodGet, "zoe", unused, "", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("a file that was collected: HTTP %d", r.StatusCode)
	}
}

// The agent gets the files, even if the message has no text.
func TestAgentGetsFiles(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := s.uploaded("zoe", "notes.txt", []byte("hello")).Path
	var answer protocol.ChatSendResult
	c := s.socket("zoe")
	c.Read(c.OK(protocol.MethodChatSend, `{"message":"","media":`+media(path)+`}`), &answer)
	if answer.Content == nil || !strings.Contains(*answer.Content,
		"`notes.txt` (text/plain, 5 bytes)") {
		t.Errorf("the demo agent says %v", answer.Content)
	}
}

//go:build !js

package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// refuseUpload answers the next upload with an error.
func (s *harness) refuseUpload(status int, body string) {
	s.t.Helper()
	u := s.browser.files.next()
	if u == nil {
		s.t.Fatal("nothing is being uploaded")
	}
	u.done(status, body)
	s.wait(50 * time.Millisecond)
}

// shownFiles describes the files of the last message: kind, name, link, picture and its
// size.
func (s *harness) shownFiles() string {
	var list []string
	for _, f := range s.last().Find("data-slot", "files")[0].Children() {
		picture, link := f.Find("data-slot", "picture")[0], f.Find("data-slot", "link")[0]
		list = append(list, strings.Join([]string{f.Attr("data-kind"),
			f.Find("data-slot", "filename")[0].Text(), link.Attr("href"),
			picture.Attr("src"), picture.Attr("width") + "x" + picture.Attr("height")}, " "))
	}
	return strings.Join(list, " | ")
}

func media(p params) string { return fmt.Sprint(p["media"]) }

func TestAttachesAndSends(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.accept("accepted")
		s.attach("pic", "a", "b")
		eq(t, "what is attached", s.attached(), "pic.png uploading | a.txt uploading | b.txt waiting")
		s.browser.files.uploads[0].progress(40)
		s.wait(50 * time.Millisecond)
		eq(t, "the progress", s.browser.Get("attachments").Find("max", "100")[0].Attr("value"), "40")
		eq(t, "uploaded", s.acceptUploads(), "pic a b")
		eq(t, "what is attached", s.attached(), "pic.png ready | a.txt ready | b.txt ready")
		s.send("")
		eq(t, "what is attached", s.attached(), "")
		sent := s.gateway.calls("chat.send")
		if len(sent) != 1 || media(sent[0]) != "[map[filename:pic.png path:/api/media/pic1] map[filename:a.txt path:/api/media/a2] map[filename:b.txt path:/api/media/b3]]" {
			t.Errorf("sent: %v", sent)
		}
		want := "image pic.png /api/media/pic1 blob:pic 320x240 | file a.txt /api/media/a2  x | file b.txt /api/media/b3  x"
		eq(t, "the files", s.shownFiles(), want)

		// The message of the log keeps the picture that is shown already.
		s.gateway.event("chat", `{"type":"message","sessionKey":"s","message":{"id":"own1","role":"user","content":"","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":5,
			"media":[{"path":"/api/media/pic1","filename":"pic.png","mimeType":"image/png","size":5,"width":640,"height":480,"thumbnail":true},{"path":"/api/media/a2","filename":"a.txt","size":5},{"path":"/api/media/b3","filename":"b.txt","size":5}]}}`, 5)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | complete: ")
		eq(t, "the files", s.shownFiles(), want)
		s.act("open-file", s.last())
		dialog := s.browser.Get("picture-dialog")
		eq(t, "the picture at large", dialog.Find("data-slot", "picture")[0].Attr("src"),
			"/api/media/pic1")
		eq(t, "the dialog is open", dialog.Opened, true)
	})
}

func TestShowsFilesOfOthers(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.event("chat", `{"type":"message","sessionKey":"s","message":{"id":"x","role":"user","content":"look","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":5,
			"media":[{"path":"/api/media/1","filename":"a.png","mimeType":"image/png","size":2400000,"width":1000,"height":500,"thumbnail":true},{"path":"/api/media/2","filename":"huge.png","mimeType":"image/png","size":1}]}}`, 5)
		s.wait(50 * time.Millisecond)
		eq(t, "the files", s.shownFiles(),
			"image a.png /api/media/1 /api/media/1?thumbnail 320x160 | file huge.png /api/media/2  x")
	})
}

func TestRefusesWhatCannotBeAttached(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.accept("accepted")
		s.attach("empty1", "a")
		eq(t, "what is attached", s.attached(), "a.txt uploading")
		if !strings.Contains(s.notices(), "“empty1.txt” is empty.") {
			t.Errorf("the notices are %q", s.notices())
		}
		s.refuseUpload(415, `{"error":{"code":"INVALID_REQUEST","message":"files of this kind are not accepted"}}`)
		eq(t, "what is attached", s.attached(), "a.txt failed files of this kind are not accepted")
		s.send("text")
		eq(t, "what is sent", len(s.gateway.calls("chat.send")), 0)
		eq(t, "the composer", s.composerText(), "text")
		s.do("remove-file", "attachments")
		eq(t, "what is attached", s.attached(), "")
		s.attach("b")
		s.refuseUpload(413, "<html>nginx</html>")
		eq(t, "what is attached", s.attached(), "b.txt failed a proxy in front of the gateway refuses "+
			"files of this size: send a smaller one, or tell an admin")
		s.do("remove-file", "attachments")
		var many []string
		for i := range 12 {
			many = append(many, fmt.Sprint("f", i))
		}
		s.attach(many...)
		eq(t, "how many are attached", strings.Count(s.attached(), "|")+1, protocol.MaxMedia)
	})
}

func TestRetriesUploads(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.attach("a")
		s.refuseUpload(503, "")
		eq(t, "what is attached", s.attached(), "a.txt waiting")
		s.wait(time.Second)
		eq(t, "uploads", len(s.browser.files.uploads), 0)
		s.wait(2 * time.Second)
		eq(t, "uploads", len(s.browser.files.uploads), 1)
		s.refuseUpload(429, `{"error":{"code":"RESOURCE_EXHAUSTED","message":"too many at once","retryable":true,"retryAfterMs":9000}}`)
		s.wait(8 * time.Second)
		eq(t, "uploads", len(s.browser.files.uploads), 0)
		s.wait(2 * time.Second)
		eq(t, "uploaded", s.acceptUploads(), "a")
		eq(t, "what is attached", s.attached(), "a.txt ready")
	})
}

func TestRemovesAttachedFiles(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.attach("a", "b")
		first := s.browser.files.next()
		s.do("remove-file", "attachments")
		eq(t, "what is attached", s.attached(), "b.txt uploading")
		first.done(0, "") // its upload was stopped
		s.wait(50 * time.Millisecond)
		eq(t, "uploaded", s.acceptUploads(), "b")
		s.do("remove-file", "attachments")
		eq(t, "what is forgotten", strings.Join(s.browser.files.forgot, " "), "a b b")
		eq(t, "the last request", s.browser.fetched[len(s.browser.fetched)-1], "DELETE /api/media/b1")
		eq(t, "the composer may send", s.attached(), "")
	})
}

func TestMessageWaitsForItsFiles(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.accept("accepted")
		s.attach("pic")
		s.send("with a picture")
		s.send("and a second")
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | uploading: with a picture | sending: and a second")
		eq(t, "what is sent", len(s.gateway.calls("chat.send")), 0)
		s.browser.files.uploads[0].progress(50)
		s.wait(50 * time.Millisecond)
		own := s.browser.Get("messages").Elements()[2]
		eq(t, "the progress", own.Slot("percent"), "33") // of 5 bytes, 2 and a bit
		eq(t, "uploaded", s.acceptUploads(), "pic")
		eq(t, "what is sent", len(s.gateway.calls("chat.send")), 2)
	})
}

func TestTakesBackAMessageWithFiles(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.accept("accepted")
		s.attach("a")
		s.send("not yet")
		s.act("take-back", s.last())
		eq(t, "the composer", s.composerText(), "not yet")
		eq(t, "what is attached", s.attached(), "a.txt uploading")
		s.send("not yet")
		s.refuseUpload(413, `{"error":{"code":"INVALID_REQUEST","message":"the file is too large"}}`)
		eq(t, "the last message", s.last().Attr("data-status")+" "+s.last().Slot("error"),
			"unsent “a.txt”: the file is too large")
		s.act("resend-message", s.last())
		eq(t, "uploaded", s.acceptUploads(), "a")
		eq(t, "what is sent", len(s.gateway.calls("chat.send")), 1)
	})
}

func TestFilesOutlastTheTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		one.attach("a")
		one.send("first")
		one.attach("pic")
		one.compose("a draft")
		one.app.Hidden()
		eq(t, "what is attached", one.attached(), "pic.png waiting")
		eq(t, "where it waits", one.browser.Root.Attr("data-keep"), "browser")
		drawer := one.browser.files
		one.close()

		two := open("k")
		two.browser.files = drawer.otherTab()
		two.wait(3 * time.Second)
		if keys := two.acceptUploads(); keys != "a pic" && keys != "pic a" {
			t.Errorf("uploaded: %q", keys)
		}
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "first")
		eq(t, "the composer", two.composerText()+" "+two.attached(), "a draft pic.png ready")
		two.close()
	})
}

func TestFilesThatCannotBeStored(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.browser.files.full = true
		one.disconnect()
		one.attach("a")
		one.send("first")
		eq(t, "where it waits", one.browser.Root.Attr("data-keep"), "tab")
		one.close()
		two := open("k")
		two.wait(3 * time.Second)
		eq(t, "the transcript", two.messages(), "unsent: first")
		if text := two.last().Slot("error"); !strings.Contains(text,
			"“a.txt”: its upload was not finished, and this browser has not kept it") {
			t.Errorf("it says %q", text)
		}
		two.act("take-back", two.last())
		if !strings.HasPrefix(two.attached(), "a.txt failed") {
			t.Errorf("attached is %q", two.attached())
		}
		two.close()
	})
}

// The tab that has a file uploads it; the others do not.
func TestOneTabUploads(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		two.browser.files = one.browser.files.otherTab()
		one.attach("a")
		one.send("first")
		two.wait(20 * time.Second)
		eq(t, "uploads of the other", len(two.browser.files.uploads), 0)
		eq(t, "the other shows it", two.messages(), "uploading: first")
		eq(t, "uploaded", one.acceptUploads(), "a")
		two.wait(3 * time.Second)
		eq(t, "sent", store.texts("k"), "first")
		eq(t, "the other shows it", two.messages(), "complete: first")
		one.close()
		two.close()
	})
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	files := []protocol.Attachment{{Key: "k", Media: protocol.Media{Path: "/api/media/x",
		Filename: "a\x00b"}}}
	for _, text := range []string{"", "text", "with a \x00 in it"} {
		got, none := decodeDraft(encodeDraft(text, nil))
		if got != text || len(none) != 0 {
			t.Errorf("%q became %q with %v", text, got, none)
		}
		got, with := decodeDraft(encodeDraft(text, files))
		if got != text || len(with) != 1 || with[0] != files[0] {
			t.Errorf("%q became %q with %v", text, got, with)
		}
	}
}

func TestViewerAttachesNothing(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		withHistory(w, g)
		g.on("connect", `{"protocol":3,"role":"viewer","user_id":"u","server":{"name":"g","version":"1"}}`)
	}, func(s *harness) {
		s.attach("a")
		eq(t, "what is attached", s.attached(), "")
		eq(t, "uploads", len(s.browser.files.uploads), 0)
	})
}

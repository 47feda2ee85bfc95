package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// A file is uploaded as soon as it is attached. An upload that fails for now is retried.
// A message waits in the outbox until its files are uploaded.
const (
	maxUploads     = 2                // at a time
	minUploadDelay = 2 * clock.Second // before the first retry; doubles with each retry
	maxUploadDelay = 30 * clock.Second
	seekInterval   = 15 * clock.Second // between two searches for a file's content
)

// upload is the state of one file's upload.
type upload struct {
	hasContent bool            // this tab has the content
	unstored   bool            // the content does not outlast the tab
	sending    bool            // the upload is under way
	accepted   bool            // the gateway has the file; its message may not have the path yet
	percent    int             // of the content that is sent
	err        *protocol.Error // why the gateway refused the file, or nil
	retryDelay clock.Duration  // the last wait before a retry
	retryAt    clock.Time      // when the upload is retried; zero if it need not wait
	askedTabs  clock.Time      // when other tabs were last asked for the content
}

// upload returns the upload of the file with that key, and makes it if there is none.
func (a *attachments) upload(key string) *upload {
	u := a.uploads[key]
	if u == nil {
		u = &upload{}
		a.uploads[key] = u
	}
	return u
}

// eachUnuploaded calls f with each file of the outbox and of the composer that the
// gateway does not have yet, those of the outbox first.
func (c *chat) eachUnuploaded(f func(*protocol.Attachment)) {
	each := func(files []protocol.Attachment) {
		for i := range files {
			if files[i].Media.Path == "" {
				f(&files[i])
			}
		}
	}
	for _, m := range c.outbox.messages.All() {
		if m.Refused == nil && m.Ack == nil {
			each(m.Files)
		}
	}
	each(c.attachments.files)
}

// redrawFiles has the files of the composer and of the outbox drawn again.
func (c *chat) redrawFiles() {
	c.redraw(partForm)
	if c.outbox.messages.Unsent() > 0 {
		c.redraw(partBody)
	}
}

// uploadNext starts uploads, up to maxUploads at a time.
func (c *chat) uploadNext() {
	if c.ended || !c.ready() {
		return
	}
	busy := 0
	for _, u := range c.attachments.uploads {
		if u.sending {
			busy++
		}
	}
	now := clock.Now()
	c.eachUnuploaded(func(f *protocol.Attachment) {
		u := c.attachments.upload(f.Key)
		if busy < maxUploads && u.hasContent && !u.sending && !u.accepted && u.err == nil &&
			!now.Before(u.retryAt) {
			busy++
			c.uploadFile(f.Key, u)
		}
	})
}

func (c *chat) uploadFile(key string, u *upload) {
	u.sending, u.percent, u.retryAt = true, 0, clock.Time{}
	c.redrawFiles()
	c.browser.Upload(key, protocol.MediaPath+"upload", func(percent int) {
		c.do(func() {
			u.percent = percent
			c.redrawFiles()
		})
	}, func(status int, text string) {
		c.do(func() {
			u.sending = false
			if c.attachments.uploads[key] == u && !c.ended {
				c.uploaded(key, u, status, text)
				c.uploadNext()
			}
		})
	})
}

// uploaded handles the gateway's answer to an upload.
func (c *chat) uploaded(key string, u *upload, status int, text string) {
	c.redrawFiles()
	var r protocol.MediaUploadResult
	if status == 200 && jsontext.Read(jsontext.Raw(text), r.DecodeJSON) == nil && r.Path != "" {
		u.accepted = true
		c.attachments.pictures[r.Path] = c.browser.Picture(key)
		c.setMedia(key, protocol.Media{
			Path: r.Path, Filename: r.Filename, MimeType: r.MimeType, Size: r.Size,
			Width: r.Width, Height: r.Height, Thumbnail: r.Thumbnail,
			NoText: r.NoText,
		})
		return
	}
	err := parseError(text)
	if status == 0 || status >= 500 || status == 429 {
		u.retryDelay = min(max(2*u.retryDelay, minUploadDelay), maxUploadDelay)
		if err != nil {
			u.retryDelay = max(u.retryDelay, clock.Duration(err.RetryAfterMs)*clock.Millisecond)
		}
		u.retryAt = clock.Now().Add(u.retryDelay)
		return
	}
	switch {
	case err == nil && status == 413: // nginx refuses more than 1 MB by default
		err = protocol.Refuse(protocol.Internal, "a proxy in front of the gateway refuses files of "+
			"this size: send a smaller one, or tell an admin")
	case err == nil:
		err = protocol.Refuse(protocol.Internal, "the upload was refused: HTTP "+decimal(int64(status)))
	}
	c.fileFailed(key, err)
}

// setMedia records where the gateway has stored a file: in the composer, the drafts or
// the outbox, wherever the file is by now. If it is nowhere, it is discarded.
func (c *chat) setMedia(key string, media protocol.Media) {
	c.browser.ForgetFile(key)
	found := false
	set := func(files []protocol.Attachment) (changed bool) {
		for i := range files {
			if files[i].Key == key && files[i].Media.Path == "" {
				files[i].Media = media
				changed, found = true, true
			}
		}
		return changed
	}
	if set(c.attachments.files) {
		c.storeDraft(c.draft())
	}
	for session, stored := range c.drafts.texts {
		if draft, files := decodeDraft(stored); session != c.shown.key && set(files) {
			c.storeDraftOf(session, encodeDraft(draft, files))
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.outbox.messages.All()...) {
		for i := range m.Files {
			if m.Files[i].Key == key {
				found = true
				// another tab may have uploaded the file too: read what is stored first
				c.outbox.current = false
				c.withLock(func() {
					if set(m.Files) && c.outbox.messages.Find(m.Key) == m {
						c.storeMessage(m)
					}
					if set(c.attachments.files) { // the message was taken back meanwhile
						c.attachmentsChanged()
					}
				})
			}
		}
	}
	if !found {
		c.discard(&protocol.Attachment{Key: key, Media: media})
	}
}

// fileFailed marks a file that is lost or was refused, and its message. The user decides
// what to do with them.
func (c *chat) fileFailed(key string, err *protocol.Error) {
	c.attachments.upload(key).err = err
	c.redrawFiles()
	for i := range c.attachments.files {
		if f := &c.attachments.files[i]; f.Key == key {
			view.Announce(c.doc, f.Media.Filename+" was not attached: "+errorText(err))
		}
	}
	for _, m := range c.outbox.messages.All() {
		for i := range m.Files {
			if f := &m.Files[i]; f.Key == key && m.Refused == nil && m.Ack == nil && !m.Sending() {
				m.Refused = protocol.Refuse(err.Code, "“"+f.Media.Filename+"”: "+errorText(err))
				c.messageRefused(m)
			}
		}
	}
}

// Names of messages between tabs about a file's content, before the file's key. want asks
// which tab has the content; a tab that has it answers with have.
const (
	wantPrefix = "want/"
	havePrefix = "have/"
)

// seekFiles looks for the files whose content this tab does not have. A tab that has the
// content will upload it. If none answers within otherTabDelay, this tab loads the
// content from the browser's storage.
func (c *chat) seekFiles() {
	now := clock.Now()
	c.eachUnuploaded(func(f *protocol.Attachment) {
		key, u := f.Key, c.attachments.upload(f.Key)
		if u.hasContent || u.err != nil || !u.askedTabs.IsZero() && now.Sub(u.askedTabs) < seekInterval {
			return
		}
		u.askedTabs = now
		asked := now
		c.storage.Broadcast(wantPrefix+key, key)
		clock.AfterFunc(otherTabDelay, func() {
			c.do(func() {
				if c.attachments.uploads[key] == u && u.askedTabs == asked && !c.ended {
					c.loadFile(key, u)
				}
			})
		})
	})
}

// loadFile loads a file that no other tab has, or marks it as failed.
func (c *chat) loadFile(key string, u *upload) {
	c.browser.LoadFile(key, func(ok bool) {
		c.do(func() {
			switch {
			case c.ended:
			case ok:
				u.hasContent = true
				c.redrawFiles()
				c.uploadNext()
			default:
				c.fileFailed(key, protocol.Refuse(protocol.NotFound,
					"its upload was not finished, and this browser has not kept it. Attach it again."))
			}
		})
	})
}

// fileMessage handles the messages of other tabs about a file's content.
func (c *chat) fileMessage(name, key string) {
	u := c.attachments.uploads[key]
	switch {
	case u == nil:
	case name == wantPrefix+key && u.hasContent:
		c.storage.Broadcast(havePrefix+key, key)
	case name == havePrefix+key && !u.hasContent:
		u.askedTabs = clock.Now() // so the pending load is cancelled
	}
}

// retryFiles retries all uploads now, after a connect or when the user asks.
func (c *chat) retryFiles() {
	for _, u := range c.attachments.uploads {
		u.retryAt, u.retryDelay = clock.Time{}, 0
	}
	c.seekFiles()
	c.uploadNext()
}

// retryFile retries a file that the gateway had no room for.
func (c *chat) retryFile(key string) {
	c.attachments.upload(key).err = nil
	c.retryFiles()
	c.redrawFiles()
}

// uploadsPaused reports whether an upload waits for its retry.
func (c *chat) uploadsPaused() bool {
	for _, u := range c.attachments.uploads {
		if !u.retryAt.IsZero() {
			return true
		}
	}
	return false
}

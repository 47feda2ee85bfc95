package view

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// File is a file of a message or in the composer.
type File struct {
	Name    string
	Size    string
	Href    string // address of its content; "" while the gateway does not have it
	Picture string // address of a thumbnail; "" if the file is no picture
	Width   int64  // of the thumbnail, in CSS pixels
	Height  int64
	NoText  bool // the agent gets only the name
}

// Attachment is a file in the composer.
type Attachment struct {
	File
	Key     string
	State   string // a markup.File… value
	Percent int    // how much is uploaded, in the state FileUploading
	Error   string // in the state FileFailed
}

// Attachments are the files in the composer.
type Attachments struct {
	doc  Document
	list list
}

// NewAttachments takes over the list that the gateway rendered.
func NewAttachments(doc Document) *Attachments {
	return &Attachments{doc, adoptList(doc.ByID(markup.IDAttachments),
		func(el Element) string { return el.Attr(markup.AttrFile) })}
}

// Draw shows these files. Their keys must not repeat.
func (v *Attachments) Draw(files []Attachment) {
	entries := make([]entry, len(files))
	for i := range files {
		f := &files[i]
		percent := strconv.Itoa(f.Percent)
		entries[i] = entry{
			key:         f.Key,
			fingerprint: fingerprintOf(f.Name, f.Size, f.Picture, f.State, percent, f.Error, flag(f.NoText)),
			draw: func(el Element) {
				setAttr(el, markup.AttrFile, f.Key)
				setAttr(el, markup.AttrState, f.State)
				f.draw(el)
				setSlot(el, markup.SlotPercent, percent)
				setAttr(first(el, "max", "100"), "value", percent)
				setSlot(el, markup.SlotError, f.Error)
			},
		}
	}
	v.list.set(entries, func() Element { return v.doc.Clone(markup.TemplateAttachment) })
}

// draw writes what attachments and files of messages have in common.
func (f *File) draw(el Element) {
	kind := markup.KindFile
	if f.Picture != "" {
		kind = markup.KindImage
		picture := first(el, markup.AttrSlot, markup.SlotPicture)
		setAttr(picture, "src", f.Picture)
		setAttr(picture, "alt", f.Name)
	}
	setAttr(el, markup.AttrKind, kind)
	setFlag(el, markup.AttrNoText, f.NoText)
	setSlot(el, markup.SlotFilename, f.Name)
	setSlot(el, markup.SlotSize, f.Size)
}

// drawFiles shows these files in the message.
func (it *messageItem) drawFiles(doc Document, files []File) {
	if it.files.parent == nil {
		if len(files) == 0 {
			return
		}
		n := 0
		it.files = adoptList(first(it.el, markup.AttrSlot, markup.SlotFiles), func(Element) string {
			n++
			return strconv.Itoa(n)
		})
	}
	entries := make([]entry, len(files))
	for i := range files {
		f := &files[i]
		width, height := strconv.FormatInt(f.Width, 10), strconv.FormatInt(f.Height, 10)
		entries[i] = entry{
			key:         strconv.Itoa(i + 1),
			fingerprint: fingerprintOf(f.Name, f.Size, f.Href, f.Picture, width, height, flag(f.NoText)),
			draw: func(el Element) {
				f.draw(el)
				if picture := first(el, markup.AttrSlot, markup.SlotPicture); f.Picture != "" {
					setAttr(picture, "width", width)
					setAttr(picture, "height", height)
				}
				for _, link := range el.Find(markup.AttrSlot, markup.SlotLink) {
					setAttr(link, "title", f.Name)
					if f.Href != "" {
						setAttr(link, "href", f.Href)
					}
				}
			},
		}
	}
	it.files.set(entries, func() Element { return doc.Clone(markup.TemplateFile) })
}

// OpenPicture opens a dialog that shows the picture in link as large as possible.
func OpenPicture(doc Document, link Element) {
	picture := first(link, markup.AttrSlot, markup.SlotPicture)
	if picture == nil {
		return
	}
	href := link.Attr("href")
	if href == "" {
		href = picture.Attr("src") // not uploaded yet
	}
	dialog := doc.ByID(markup.IDPictureDialog)
	name := picture.Attr("alt")
	large := first(dialog, markup.AttrSlot, markup.SlotPicture)
	setFlag(large, "src", false) // removes the last picture at once
	setAttr(large, "src", href)
	setAttr(large, "alt", name)
	setSlot(dialog, markup.SlotFilename, name)
	save := first(dialog, markup.AttrSlot, markup.SlotLink)
	setAttr(save, "href", href)
	setAttr(save, "download", name)
	open(dialog)
}

// Package markup is the contract between the pages (rendered by templ on the
// server) and the WebAssembly client that takes them over: element ids, data
// attributes, template ids, slots, actions and states, and the addresses that both
// write. Both sides import it and neither spells a name itself. What both compute
// for people to read (ages, sizes, names of browsers…) comes from package words.
//
// # Ground rules
//
// The client never builds HTML from strings. It clones a <template> (ids
// Template…), fills the clone's slots through textContent, sets attributes
// named here, and toggles hidden. A template is rendered by the very part that
// renders the same thing into a page, from a zero model, so a cloned node and a
// server-rendered one have the same elements, attributes and slots. There are two
// exceptions to textContent, and no third: [SlotBody], into which the server's own
// sanitised blocks are placed, and what is marked [AttrLive], which follows a page
// of this server that is fetched again (below).
//
// Words live in the markup. Where the wording depends on a state, every wording
// is present, marked data-when="state …", and the style sheet shows the right
// one. Changing a state is therefore one attribute write: [AttrState] on a
// component, [AttrStatus] on a message, [AttrPinned] on a session. The client
// supplies only values: names, codes, times, numbers and the server's sentences.
//
// An empty slot is not shown (and, where a slot has words around it, neither are
// they), so a slot needs no hidden toggling: set its text to "" to hide it. Write
// "" and not a space. hidden is toggled only where this page says so.
//
// # Actions
//
// An element with [AttrAction] asks for the Action… it names. The event it stands
// for follows from the element: a form its submit, a textarea or text-like input
// its input event, a select, radio or checkbox its change event, everything else
// its click. The client delegates from the root, takes the closest ancestor of
// the event's target that has the attribute, and prevents the default; a link
// with an action keeps its default when a modifier key or another button than the
// first is used. What the action is about stands in attributes of the closest
// message, session, card, row or dialog around it (below).
//
// # The root
//
// <body id="gatehouse">, [IDRoot], carries
//
//	data-page         PageChat, PagePairing, PageLogin, PageAdmin, PageConsole,
//	                  PageNotice or PageDocs
//	data-state        the state of the page (State… constants, per page below)
//	data-boot         BootLoading as served; the client sets BootReady once its
//	                  listeners are attached; the loader sets BootFailed when
//	                  WebAssembly is missing or does not start, and BootStopped when
//	                  the client has ended. While it is loading for long, failed or
//	                  stopped, the page says so by itself.
//	data-instance     id of this gateway, first part of every key in browser storage
//	data-user         user id; empty when nobody is signed in
//	data-role         viewer, operator or admin; empty when nobody is signed in
//	data-device       public id of this browser's device; empty when there is none
//	data-session-key  chat: the session shown; empty for a new one
//	data-epoch        chat: epoch of that session's log; empty for a new one
//	data-last-seq     chat: the last seq that the rendered transcript includes
//	data-has-more     chat: "true" when earlier messages exist, else "false"
//	data-owner        chat: whose session is shown, when an admin looks at another
//	                  user's; empty for the user's own
//	data-topics       console: what changes the page, protocol.Topic… values with a
//	                  space between; empty when nothing does
//	data-keep         where messages wait that are not sent yet: KeepBrowser, as
//	                  served, or KeepTab when they are lost with the tab
//
// data-has-more="true" alone shows the "Load earlier" button. The loader's own
// <script> carries data-wasm, the address of the client's module, and data-exec,
// that of Go's wasm_exec.js.
//
// Clock times that the server rendered are in the server's zone: write each <time>
// anew from its datetime.
//
// # On every page but the notice
//
// [IDTitle] is the <title>; while pairings wait an admin's begins with their
// number: "(2) ".
//
// [IDPendingBadge], on the chat of an admin and on every page of the console: text
// is the number of pairings that wait, empty for none.
//
// [IDConnection], the connection pill: data-state LinkConnecting, LinkConnected,
// LinkReconnecting (slot seconds, and a button with ActionReconnectNow),
// LinkFailing (one try after another has failed; slot seconds, and buttons with
// ActionReconnectNow and ActionExamine), LinkSlow (connected, but the gateway takes
// no requests for so long; slot seconds), LinkOffline (the browser itself says there is no network; a button
// with ActionReconnectNow) or LinkRefused (slot reason; the same button). It is not a
// live region: state changes worth hearing go, as text, to [IDAnnounce].
//
// [IDDoctorDialog] tells what is wrong with the connection; ActionExamine finds out.
// data-state DoctorChecking, then what was found: DoctorFine, DoctorOffline,
// DoctorSilent, DoctorStranger, DoctorRoute, DoctorFull, DoctorOrigin or
// DoctorUpgrade, each with its own words. An element for each part of the way:
// data-check (Check… names) with data-state CheckBusy, CheckGood, CheckBad or
// CheckSkipped; slot finding ("HTTP 502"). Slots message (the gateway's sentence)
// and address (the page's scheme, host and port; set all).
//
// [IDAnnounce]: a visually hidden polite live region; textContent is spoken.
//
// [IDToasts]: a polite live region; append clones of [TemplateToast] (data-kind
// KindInfo, KindGood or KindProblem; slot text; ActionDismissToast).
//
// Dialogs are <dialog> elements opened with showModal. ActionCloseDialog closes
// the dialog around it; Escape does so by itself.
//
// # Chat
//
// Root states: StateReady; StateGone (this session was deleted elsewhere);
// StateRevoked and StateSignedOut (a panel covers the page, the transcript is
// not shown: empty it and the session list all the same).
//
// The sidebar [IDSidebar] is a popover on narrow screens; the button that opens
// it needs no script, Escape and a click outside close it. After navigating in
// place call hidePopover on it if it matches :popover-open.
//
// [IDSessionList] holds items of [TemplateSession], pinned first, then newest
// activity first: attributes data-session-key, data-state (SessionIdle or
// SessionRunning), data-pinned ("true" or "false"), aria-current ("page" on the
// one shown, else "false"); slots label (also set the title attribute of the
// link), time (a <time>: set its datetime too). The link (in slot link) has
// ActionOpenSession and needs its href set. Each has a <details> with
// ActionRenameSession, ActionPinSession, ActionDeleteSession; close the details
// after one is used. [IDSessionSearch] has ActionFilterSessions; set hidden on
// items that do not match and unhide [IDSessionNone] when none does.
//
// [IDSessionTitle] and [IDAgentName]: text.
//
// [IDTranscript] scrolls, and is laid out bottom up (flex-direction
// column-reverse), so it is at its latest message before any script runs and
// stays there while text arrives; it lets go when scrolled up. Hence scrollTop is
// 0 at the latest message and NEGATIVE above it: distance from the latest is
// -scrollTop, "jump to latest" is scrollTop = 0, and prepending earlier messages
// moves nothing. Unhide [IDJumpLatest] (ActionJumpLatest) while the distance is
// more than a few lines.
//
// [IDMessages] holds the messages, oldest first, and nothing else (no text nodes:
// its :empty state shows [IDEmpty], the greeting, whose chips have
// ActionSuggest and data-text, the text for the composer).
// [IDLoadEarlier]: ActionLoadEarlier, data-state LoadIdle or LoadBusy.
//
// A message is a clone of [TemplateUserMessage], [TemplateAssistantMessage] or
// [TemplateSystemMessage], by its protocol role, with
//
//	data-message-id, data-run-id, data-seq   as in the protocol, else empty
//	data-key       idempotency key of an own message that has no id yet
//	data-status    below
//	data-by-other  "true" when somebody else than the session's owner wrote it:
//	               shows slot author instead of "You", and "written by an admin".
//	               With data-owner the author of every message is named.
//
// and slots
//
//	body      the text. data-format FormatText: set textContent, line breaks are
//	          kept. FormatHTML: its element children are the answer's blocks, in
//	          order and nothing else, so block i is body.children[i].
//	time      a <time>: clock time as text; datetime as RFC 3339
//	author    user, system: user id of who wrote it, when data-by-other is "true"
//	          or data-owner is not empty
//	name      assistant: the agent's name
//	label     system: the label given when injected
//	thinking  assistant: text of the collapsed thinking; the <details> around it
//	          is not shown while it is empty
//	activity  assistant, StatusStreaming: "thinking…", "retrying…", "using …".
//	          When empty only the moving dots are shown.
//	error     assistant, StatusFailed and user, StatusUnsent: the sentence why
//	files     user: holds a clone of [TemplateFile] for each file, in order
//	percent   user, StatusUploading: how much of the files has gone
//
// A file has data-kind KindImage (shows the picture) or KindFile (shows a chip);
// slots link (two: set href, none while there is no address, and title), filename,
// size (words.Size) and picture, an <img>: set src, alt, and width and height from
// [PictureSize], so that it has its place before it is loaded. ActionOpenFile, of the
// picture's link, opens [IDPictureDialog]: slots filename, picture, and link (set
// href and download).
//
// Statuses of a user message: StatusUploading (its files are on their way;
// ActionTakeBack), StatusSending, StatusWaiting (kept until there is a
// connection), StatusPaused (kept until the gateway takes requests again), StatusUnsent (refused; slot error; ActionResendMessage and
// ActionTakeBack), StatusQueued (ActionTakeBack), StatusComplete and
// StatusWithdrawn. StatusWaiting has ActionTakeBack too. Of an answer:
// StatusStreaming (caret), StatusComplete, StatusAborted ("Stopped"),
// StatusFailed (slot error); the last two have ActionRetryRun. Of a system message:
// StatusComplete. Every message has ActionCopyMessage; while "copied" should be
// shown set data-state of that button to CopyDone, then back to CopyIdle. Code
// blocks in a body may hold a button with ActionCopyCode, for which the same goes;
// the code is the text of the <pre> beside it.
//
// The foot of a message keeps one line free in every status, so nothing moves when
// a run starts or ends.
//
// [IDUnsent] holds an item of [TemplateUnsent] for each message of another chat
// that was refused: data-key; slots label (the chat), error (the sentence why),
// text; ActionResendMessage and ActionTakeBack. It shows nothing while empty.
//
// [IDCaughtUp] is a live region for a quiet word on what was missed and is here by
// now; empty it after a few seconds.
//
// The composer is the form [IDComposer], ActionSend, data-state ComposerIdle or
// ComposerRunning (shows the stop button, ActionStopRun, beside or instead of
// send). [IDComposerInput] has ActionCompose. Its growth is CSS; where
// field-sizing is not supported set data-replica of [IDComposerGrow] to the
// input's value at each input (harmless elsewhere). [IDComposerLimit] is a slot
// for "1,204 characters too long" and so on, with data-state LimitNear or
// LimitOver. For a viewer the form is served hidden and a note stands in its
// place: send nothing. Where data-owner is not empty a choice stands above it:
// radios named [FieldWriteAs] with ActionWriteAs, whose value AsNote is checked as
// served (what is sent is a note, and starts no run), else AsMessage.
//
// [IDAttachments], in the form, holds a [TemplateAttachment] for each file that is to
// be sent: data-file (its key), data-kind, data-state FileUploading (slot percent, and
// value of the <progress>), FileWaiting, FileReady, FileFailed or
// FileStuck (slot error; what is stuck may be taken later: ActionRetryFile); slots
// filename, size and picture as above; ActionRemoveFile. Files come from the input
// [IDAttach], by pasting, and by dropping them on the page; while they are dragged over
// it data-drag of [IDRoom] is "true". The input is disabled for viewers: take none.
//
// Dialogs: [IDRenameDialog] (data-session-key; form with ActionConfirmRename; input
// [IDRenameInput]), [IDDeleteDialog] (data-session-key; slot label;
// ActionConfirmDelete), [IDSignOutDialog] (ActionConfirmSignOut; slot unsent: number
// of messages not sent yet that would be lost). ActionSignOut opens the last.
//
// # Pairing
//
// Root states: StateConnecting (also the neutral shell), StateWaiting,
// StateApproved, StateDenied, StateExpired, StateRevoked, StateUnreachable,
// StatePairingOff, StateTooMany. Slots and elements, filled whatever the state:
//
//	[IDPairingCode]   text from GroupCode; data-code the bare code
//	slot remaining    how long the code stays valid: "58 minutes"; below a minute
//	                  "40 seconds"
//	slot seconds      StateDenied, StateTooMany: seconds until asking again is
//	                  possible (empty when it is); StateUnreachable: until the
//	                  next attempt. Each is on its own element: set them all.
//	[IDPairingQR]     <img>, served hidden; set src, unhide
//	[IDDeviceName]    input with the name the admin will see; ActionNameDevice on
//	                  the form around it
//	slot message      StatePairingOff, StateTooMany, StateUnreachable: the server's
//	                  sentence, if there is one
//
// Actions: ActionCopyPairingCode (data-state CopyIdle, CopyDone), ActionAskAgain
// (in StateDenied, StateExpired, StateRevoked, StateTooMany; set the disabled
// attribute while seconds run), ActionReconnectNow (StateUnreachable).
//
// # Login
//
// Root states: StateForm, StateRedeeming (a code in the fragment is being
// redeemed), StateLinkFailed (used or expired; the form stays), StateTokenRefused
// (the form stays), StateTooMany (slot seconds), StateUnreachable,
// StateSuccess. Form [IDLoginForm] with ActionSignIn, data-state FormIdle or
// FormBusy; input [IDTokenInput].
//
// # The admin console
//
// Root states of all of its pages: StateReady, StateRevoked, StateSignedOut. What
// is shown stands in [IDConsole], the dialogs too: empty it when it may no longer
// be read. PageAdmin is the page of pairings and devices, PageConsole each other.
//
// Elements marked data-live="name" follow the server: when something of data-topics
// has changed, or an action of this page may have changed something, the page is
// fetched again, parsed inertly, and each of them is brought in line with its
// namesake there: attributes, texts and children, row by row. A row is an element
// with data-row, a key that is unique among its siblings, and so is the table around
// them, beside which words come and go; what is the same is not
// touched, what has moved is moved. Nothing else on the page changes, but for
// data-topics.
//
// A <time> with data-time is written anew by the client: TimeAgo as words.Ago and
// kept current, TimeClock in the reader's zone and language.
//
// A form with ActionFilter has method="get" and no action: it works by itself. With
// the client its fields that are not empty become the query of the address, and the
// page is fetched again. Only such forms name a method; the browser sends no other.
//
// In a row: ActionStopSession (data-row is the session's key), ActionDisconnect (the
// connection's id; slots user, browser, address), ActionRevokeKey (the key's id;
// slots name, key, user). The last two open [IDDisconnectDialog] and
// [IDRevokeKeyDialog], which take over data-row and those slots, have slot error,
// and ActionConfirmDisconnect or ActionConfirmRevokeKey.
//
// ActionNewKey opens [IDKeyDialog]: data-state KeyForm, KeyBusy or KeyMade. Form
// ActionConfirmKey with fields by name attribute: FieldName, FieldUser, FieldRole
// (select), FieldExpires (select, in days, 0 for never). Slots name, user and key of
// the key that was made, and error; ActionCopyKey (data-state CopyIdle, CopyDone).
// Empty slot key once the dialog is closed.
//
// [IDReload]: data-state ReloadIdle, ReloadBusy, ReloadDone (slots applied and
// restart, names of settings) or ReloadFailed (slot error); ActionReloadConfig.
//
// # Pairings and devices
//
// [IDNotices]: data-state NoticesUnknown as served, then NoticesAbsent,
// NoticesInsecure, NoticesOff (ActionAskNotices), NoticesOn or NoticesDenied.
//
// [IDPendingList] holds [TemplatePending] cards: data-code, data-device; slots code
// (GroupCode), device-name, browser, address, since (a <time>), remaining. Actions
// ActionApprove and ActionDeny open the dialogs. [IDPendingCount]: the number as
// text, empty for none. As with the messages, lists hold nothing but their items
// and show their empty state by themselves.
//
// [IDDeviceList] holds [TemplateDevice] rows: data-device, data-user, data-this
// ("true" on the browser in use); slots label, browser, user, role, last-seen (a
// <time>), since (a <time>). ActionRevoke opens the dialog.
//
// [IDResolvedList] holds [TemplateResolved] lines, newest first: data-state
// ResolvedApproved, ResolvedDenied, ResolvedExpired or ResolvedRevoked; slots
// device-name, user, role, time.
//
// [IDApproveDialog]: data-code; data-state ApproveForm, ApproveConfirm (second
// question, shown before role admin is given) or ApproveBusy; data-who WhoNew or
// WhoExisting and data-role follow the radios. Slots code, device-name, browser,
// address, fresh-user (the id a new user would get, if known), who ("a new user"
// or the named one; on several elements: set them all), role (likewise), error.
// Form ActionConfirmApprove; its controls bubble ActionEditApproval; ActionBack
// leaves ApproveConfirm. Inputs by name attribute: FieldWho (radio), FieldUser
// (text with datalist [IDKnownUsers], whose options are clones of
// [TemplateKnownUser]: set value), FieldRole (radio), FieldLabel (text).
//
// [IDDenyDialog]: data-code; slots code, device-name; ActionConfirmDeny.
// [IDRevokeDialog]: data-device, data-this; slots label, browser, user;
// ActionConfirmRevoke. Both have slot error.
package markup

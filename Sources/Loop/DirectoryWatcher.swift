import CEventLoop
import Wire

/// Tells when anything in a directory tree changes: files written, created, renamed or deleted, new sub-folders, symbolic
/// links swapped (a ConfigMap's `..data`), the directory itself replaced. A single file can be watched as well.
///
/// It only says that something changed; whoever listens reads the tree anew after things have settled. A tree is complete
/// in the kernel's list before the change that brought its last directory is told, so nothing is missed between the two.
package final class DirectoryWatcher: EventHandler {
    /// The directory or file that is watched.
    package let root: String
    /// What keeps the watcher from seeing everything (the kernel's limit of watches, our limit of directories), or nil.
    /// Whoever needs certainty then reads the tree from time to time.
    package private(set) var shortcoming: LoopError?
    /// Directories and link targets under watch.
    package var watchCount: Int { watched.count }

    private let inotify: Int32
    private let onChange: () -> Void
    /// The paths behind the kernel's watch numbers.
    private var watched: [Int32: String] = [:]
    /// The watch on the root's parent, which sees the root come, go or be swapped; -1 for none.
    private var parentWatch: Int32 = -1
    private let rootName: String

    /// Looks at the tree and takes up the watches; `onChange` is called on the loop's thread once per batch of changes.
    package init(root: String, onChange: @escaping () -> Void) throws(LoopError) {
        var trimmed = root[...]
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        self.root = String(trimmed)
        let slash = trimmed.lastIndex(of: "/")
        rootName = String(slash.map { trimmed[trimmed.index(after: $0)...] } ?? trimmed)
        self.onChange = onChange
        inotify = outrider_inotify_create()
        super.init()
        guard inotify >= 0 else {
            throw LoopError(
                "cannot watch \(root)", errno: -inotify, advice: "raise fs.inotify.max_user_instances")
        }
        rescan()
    }

    deinit { if inotify >= 0 { _ = outrider_close(inotify) } }

    /// Begins to deliver on this loop's thread. False when the kernel refuses.
    package func attach(to loop: EventLoop) -> Bool { loop.register(self, fd: inotify) }

    // MARK: Changes

    package override func onEvents(_ events: Events) {
        var isRelevant = false
        var mustRescan = false
        Inotify.changes(of: inotify) { change, name in examine(change, name, &isRelevant, &mustRescan) }
        // First the new watches, then the news: what is created in a new folder from now on is seen.
        if mustRescan { rescan() }
        if isRelevant { onChange() }
    }

    private func examine(
        _ change: outrider_change, _ name: String, _ isRelevant: inout Bool, _ mustRescan: inout Bool
    ) {
        if change.has(OUTRIDER_OVERFLOW) || (change.watch == parentWatch && name == rootName) {
            isRelevant = true
            mustRescan = true
        }
        guard let path = watched[change.watch] else { return }
        isRelevant = true
        if mustRescan { return }
        mustRescan =
            change.has(OUTRIDER_SELF) || change.has(OUTRIDER_ENTRY_IS_DIRECTORY)
            || (change.has(OUTRIDER_ENTRY) && isLink(path + "/" + name))
    }

    private func isLink(_ path: String) -> Bool { outrider_kind(path) & Int32(OUTRIDER_LINK) != 0 }

    // MARK: The tree

    /// Walks the tree, watches what is new, and lets go of what is no longer there.
    private func rescan() {
        parentWatch = outrider_inotify_watch_entries(inotify, parent)
        var scan = Scan(inotify: inotify)
        scan.visit(root, depth: 0)
        for number in watched.keys where scan.found[number] == nil && number != parentWatch {
            _ = outrider_inotify_unwatch(inotify, number)
        }
        watched = scan.found
        shortcoming = scan.shortcoming
        if shortcoming == nil, parentWatch < 0 {
            shortcoming = LoopError(
                "\(root) is watched, but not whether it is replaced: cannot watch \(parent)", errno: -parentWatch)
        }
    }

    private var parent: String {
        guard let slash = root.lastIndex(of: "/") else { return "." }
        return slash == root.startIndex ? "/" : String(root[..<slash])
    }
}

// MARK: - Walking

/// One walk over a tree, breadth by recursion, within the limits of depth and number.
private struct Scan {
    let inotify: Int32
    var found: [Int32: String] = [:]
    var shortcoming: LoopError?

    mutating func visit(_ path: String, depth: Int) {
        let kind = outrider_kind(path) & ~Int32(OUTRIDER_LINK)
        guard kind != Int32(OUTRIDER_MISSING) else { return }
        guard depth <= Limits.watchedDepthMax, found.count < Limits.watchedDirectoriesMax else {
            shortcoming = LoopError(
                "\(path) is not watched: more than \(Limits.watchedDirectoriesMax) directories, or \(Limits.watchedDepthMax)"
                    + " levels", errno: 0, advice: "keep configuration in fewer directories")
            return
        }
        let number = outrider_inotify_watch(inotify, path)
        guard number >= 0 else {
            // Gone since it was listed: its parent's watch tells.
            guard number != -outrider_not_found else { return }
            shortcoming = LoopError(
                "cannot watch \(path)", errno: -number, advice: "raise fs.inotify.max_user_watches or check permissions"
            )
            return
        }
        // The same directory through another link: seen already.
        guard found.updateValue(path, forKey: number) == nil else { return }
        guard kind == Int32(OUTRIDER_DIRECTORY) else { return }
        // The watch stands before the list is read, so no entry falls between them.
        for name in Self.branches(path) { visit(path == "/" ? "/" + name : path + "/" + name, depth: depth + 1) }
    }

    /// The entries that need a watch of their own: sub-folders and symbolic links.
    private static func branches(_ path: String) -> [String] {
        var names: [String] = []
        withUnsafeMutablePointer(to: &names) { pointer in
            _ = outrider_list(path, pointer) { context, name, kind in
                guard kind != Int32(OUTRIDER_FILE), let context, let name else { return }
                context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
            }
        }
        return names
    }
}

import CEventLoop
import Wire

/// Tells when files that stand anywhere change: written, replaced, deleted, created, or led elsewhere by a symbolic link on their
/// path (the `..data` of a mounted Secret). What else happens in their folders is not told.
///
/// It watches every folder in which a name of a path decides where the path leads: the folder of the file, those of the links on
/// the way, and the last one that is there when a part is missing.
package final class FileWatcher: EventHandler {
    /// What keeps it from seeing everything, or nil.
    package private(set) var shortcoming: LoopError?

    private let inotify: Int32
    private let onChange: () -> Void
    private var paths: Set<String> = []
    /// By the kernel's watch number: the names that matter in that folder; nil: all that is told of it.
    private var watched: [Int32: Set<String>?] = [:]

    /// Watches nothing yet; `onChange` is called on the loop's thread once per batch of changes.
    package init(onChange: @escaping () -> Void) throws(LoopError) {
        self.onChange = onChange
        inotify = outrider_inotify_create()
        super.init()
        guard inotify >= 0 else {
            throw LoopError("cannot watch files", errno: -inotify, advice: "raise fs.inotify.max_user_instances")
        }
    }

    deinit { if inotify >= 0 { _ = outrider_close(inotify) } }

    /// Begins to deliver on this loop's thread. False when the kernel refuses.
    package func attach(to loop: EventLoop) -> Bool { loop.register(self, fd: inotify) }

    /// Watches these files and no others. True when there are new ones among them: who read them before should read again.
    package func watch(_ paths: Set<String>) -> Bool {
        guard paths != self.paths else { return false }
        let hasNew = !paths.isSubset(of: self.paths)
        self.paths = paths
        rescan()
        return hasNew
    }

    // MARK: Changes

    package override func onEvents(_ events: Events) {
        var isRelevant = false
        Inotify.changes(of: inotify) { change, name in
            if change.has(OUTRIDER_OVERFLOW) { isRelevant = true }
            guard let names = watched[change.watch] else { return }
            if change.has(OUTRIDER_SELF) || name.isEmpty || names?.contains(name) ?? true { isRelevant = true }
        }
        guard isRelevant else { return }
        // First the new watches, then the news: what changes from now on is seen.
        rescan()
        onChange()
    }

    // MARK: Paths

    private func rescan() {
        var walk = PathWalk(inotify: inotify)
        for path in paths { walk.follow(path) }
        for number in watched.keys where walk.found[number] == nil { _ = outrider_inotify_unwatch(inotify, number) }
        watched = walk.found
        shortcoming = walk.shortcoming
    }
}

/// Follows paths part by part, as the kernel does, and watches what decides where they lead.
private struct PathWalk {
    /// As the kernel's limit of links on one path.
    private static let linksMax = 40
    private static let pathBytesMax = 4096

    let inotify: Int32
    var found: [Int32: Set<String>?] = [:]
    var shortcoming: LoopError?

    init(inotify: Int32) { self.inotify = inotify }

    mutating func follow(_ path: String) {
        var folder = path.hasPrefix("/") ? "/" : "."
        var rest = Self.parts(path)
        var links = 0
        while !rest.isEmpty {
            let name = rest.removeFirst()
            let here = folder == "/" ? "/" + name : folder + "/" + name
            var kind = outrider_kind(here)
            if rest.isEmpty || kind != Int32(OUTRIDER_DIRECTORY) {
                watch(folder, name)
                // The watch stands before this look, so no change falls between them.
                kind = outrider_kind(here)
            }
            if kind & Int32(OUTRIDER_LINK) != 0 {
                links += 1
                guard links <= Self.linksMax, let target = Self.target(of: here) else { return }
                if target.hasPrefix("/") { folder = "/" }
                rest = Self.parts(target) + rest
            } else if kind == Int32(OUTRIDER_DIRECTORY) {
                folder = here
            } else {
                // A file that is mounted by itself changes without its folder.
                if kind == Int32(OUTRIDER_FILE) { watch(here, nil) }
                return
            }
        }
    }

    /// - Parameter name: nil: everything that is told of the path.
    private mutating func watch(_ path: String, _ name: String?) {
        guard found.count < Limits.watchedDirectoriesMax else {
            shortcoming = LoopError(
                "\(path) is not watched: files in more than \(Limits.watchedDirectoriesMax) places", errno: 0)
            return
        }
        let number = outrider_inotify_watch(inotify, path)
        guard number >= 0 else {
            guard number != -outrider_not_found else { return }
            shortcoming = LoopError(
                "cannot watch \(path)", errno: -number, advice: "raise fs.inotify.max_user_watches or check permissions"
            )
            return
        }
        guard let name, let names = found[number, default: []] else { return found[number] = .some(nil) }
        found[number] = .some(names.union([name]))
    }

    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }

    private static func target(of link: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: pathBytesMax) { buffer in
            guard let base = buffer.baseAddress, outrider_link_target(link, base, buffer.count) > 0 else { return nil }
            return String(cString: base)
        }
    }
}

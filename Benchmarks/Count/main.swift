import Glibc
import Micro

// Does every case, or the one whose number is given, and prints for each, separated by tabs: its name, how often it was done, and
// how many heap allocations that took, where `OUTRIDER_ALLOCATIONS` names the page of allocations.c. Callgrind is told to collect
// inside `measured` only.

@inline(never)
func measured(_ one: Case) { one.run(one.iterations) }

/// The page's first word.
func allocations() -> UnsafePointer<Int>? {
    guard let path = getenv("OUTRIDER_ALLOCATIONS") else { return nil }
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(fd) }
    let page = mmap(nil, 4096, PROT_READ, MAP_SHARED, fd, 0)
    guard let page, page != MAP_FAILED else { return nil }
    return UnsafePointer(page.assumingMemoryBound(to: Int.self))
}

let counter = allocations()
let chosen = CommandLine.arguments.dropFirst().first.flatMap { Int($0) }
for (number, make) in Case.all.enumerated() where chosen == nil || chosen == number {
    let one = make()
    // Everything that is made once, made.
    one.run(one.iterations)
    let before = counter?.pointee ?? 0
    measured(one)
    let count = (counter?.pointee ?? 0) - before
    print(one.name, one.iterations, count, separator: "\t")
}

import Glibc
import HTTP1
import Wire

/// libFuzzer's loop. SwiftPM renames a program's `main`, so that libFuzzer's own is never linked and is called from ours.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafeRawPointer, Int) -> CInt
) -> CInt

@main
private enum Program {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments, fuzzRequestHead))
    }
}

nonisolated(unsafe) private let head = Head()
nonisolated(unsafe) private let second = Head()
nonisolated(unsafe) private let out = Buffer(capacity: 1 << 18)

/// Any bytes are a request head, the start of one, or none; and what is one is written so that it is read back as the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHead(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    // A copy of its own, so that the sanitiser sees a read past its end.
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { bytes.deallocate() }
    if count > 0 { bytes.copyMemory(from: UnsafeRawBufferPointer(start: start, count: count)) }
    let input = UnsafeRawBufferPointer(bytes)

    let result = RequestHead.parse(input, into: head)
    checkPrefixes(input, result)
    guard case .complete(let consumed, let framing, _) = result else {
        precondition(head.fieldCount == 0 && head.storageUsed == 0, "a head that was refused is empty")
        return 0
    }
    precondition(consumed > 0 && consumed <= count, "a head does not end behind its bytes")
    checkSlices(head)
    _ = HopByHop.upgrade(head)
    HopByHop.strip(head)
    out.consume(out.count)
    guard HeadWriter.request(head, framing: framing, upgrade: false, to: out) else { return 0 }
    guard case .complete(let length, let again, let persists) = RequestHead.parse(out.readable, into: second) else {
        // The Host field that the proxy adds may be what makes a full head overflow.
        precondition(
            head.fieldCount == Limits.headFieldsMax || out.count > Limits.headBytesMax, "what is written can be read")
        return 0
    }
    precondition(length == out.count && again == framing && persists, "one head was written, and nothing behind it")
    precondition(equal(head, head.path, second, second.path) || head.path.isEmpty, "the path is the same")
    precondition(equal(head, head.authority, second, second.authority), "the authority is the same")
    return 0
}

/// Prefixes are partial until one is decided, and that decision stands.
private func checkPrefixes(_ input: UnsafeRawBufferPointer, _ whole: HeadResult) {
    let step = max(1, input.count / 64)
    for count in stride(from: 0, to: input.count, by: step) {
        switch (RequestHead.parse(UnsafeRawBufferPointer(rebasing: input[..<count]), into: second), whole) {
        case (.partial, _), (.failure, .failure): break
        case (let part, let whole): precondition(part == whole, "a decided head stays decided")
        }
    }
}

private func checkSlices(_ head: Head) {
    for slice in [head.methodSlice, head.path, head.authority, head.reason] {
        precondition(slice.end <= head.storageUsed, "slices lie in the storage")
    }
    for index in 0..<head.fieldCount {
        precondition(head.fields[index].name.end <= head.storageUsed, "names lie in the storage")
        precondition(head.fields[index].value.end <= head.storageUsed, "values lie in the storage")
    }
}

private func equal(_ left: Head, _ leftSlice: Slice, _ right: Head, _ rightSlice: Slice) -> Bool {
    left.bytes(leftSlice).elementsEqual(right.bytes(rightSlice))
}

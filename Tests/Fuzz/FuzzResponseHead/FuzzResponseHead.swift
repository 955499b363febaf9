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
        exit(runFuzzer(&count, &arguments, fuzzResponseHead))
    }
}

nonisolated(unsafe) private let head = Head()
nonisolated(unsafe) private let second = Head()
nonisolated(unsafe) private let out = Buffer(capacity: 1 << 18)

/// Any bytes are a response head, the start of one, or none; and what is one is written so that a client reads the same framing.
/// The first byte of the input chooses the method that was asked.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponseHead(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count - 1, alignment: 1)
    defer { bytes.deallocate() }
    if count > 1 { bytes.copyMemory(from: UnsafeRawBufferPointer(start: start + 1, count: count - 1)) }
    let input = UnsafeRawBufferPointer(bytes)
    let methods: [Method] = [.get, .head, .connect, .post]
    let method = methods[Int(start.load(as: UInt8.self)) & 3]

    let result = ResponseHead.parse(input, answering: method, into: head)
    let step = max(1, input.count / 64)
    for count in stride(from: 0, to: input.count, by: step) {
        let prefix = UnsafeRawBufferPointer(rebasing: input[..<count])
        switch (ResponseHead.parse(prefix, answering: method, into: second), result) {
        case (.partial, _), (.failure, .failure): break
        case (let part, let whole): precondition(part == whole, "a decided head stays decided")
        }
    }
    guard case .complete(let consumed, let framing, let persists) = result else {
        precondition(head.fieldCount == 0 && head.storageUsed == 0, "a head that was refused is empty")
        return 0
    }
    precondition(consumed > 0 && consumed <= input.count, "a head does not end behind its bytes")
    precondition(!persists || framing != .untilClose, "a body that ends with the connection ends it")
    for index in 0..<head.fieldCount {
        precondition(head.fields[index].value.end <= head.storageUsed, "values lie in the storage")
    }
    checkWriting(method: method, framing: framing)
    return 0
}

private func checkWriting(method: Method, framing: BodyFraming) {
    HopByHop.strip(head)
    for minorVersion in [0, 1] as [UInt8] {
        let towards = framing.towardsClient(minorVersion: minorVersion)
        out.consume(out.count)
        guard
            HeadWriter.response(
                head, framing: towards, minorVersion: minorVersion, close: false, upgrade: false, to: out)
        else { continue }
        guard
            case .complete(let length, let again, let persists) = ResponseHead.parse(
                out.readable, answering: method, into: second)
        else {
            precondition(
                head.fieldCount >= Limits.headFieldsMax - 1 || out.count > Limits.headBytesMax,
                "what is written can be read")
            continue
        }
        precondition(length == out.count && again == towards, "one head was written, with the framing asked for")
        precondition(persists == (towards != .untilClose), "the connection's fate is told")
    }
}

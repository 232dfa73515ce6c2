// SPDX-License-Identifier: Apache-2.0
// An Arrow stream as a producer makes it, with everything that it must get back counted.

import CEsscher
import Glibc

/// A type and arrays of it, in Arrow's terms.
final class ArrowNode {
  var format: String
  var name: String
  var length = 0
  var offset = 0
  var nullCount = 0
  var buffers: [[UInt8]?] = []
  var children: [ArrowNode] = []

  init(_ format: String, _ name: String = "item") {
    self.format = format
    self.name = name
  }

  /// Numbers, nil being null.
  static func numbers<Value: BitwiseCopyable>(
    _ format: String, _ values: [Value?], name: String = "item", offset: Int = 0
  ) -> ArrowNode {
    let node = ArrowNode(format, name)
    node.length = values.count - offset
    node.offset = offset
    node.nullCount = values.contains { $0 == nil } ? -1 : 0
    let zero = [UInt8](repeating: 0xAA, count: MemoryLayout<Value>.size)
    let bytes = values.flatMap { value in
      value.map { value in withUnsafeBytes(of: value) { Array($0) } } ?? zero
    }
    node.buffers = [node.nullCount == 0 ? nil : bits(values.map { $0 != nil }), bytes]
    return node
  }

  static func bits(_ flags: [Bool]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: flags.count / 8 + 1)
    for (index, flag) in flags.enumerated() where flag { bytes[index / 8] |= 1 << UInt8(index % 8) }
    return bytes
  }
}

/// A producer's side of a stream.
final class ArrowProducer {
  let schema: ArrowNode
  var batches: [ArrowNode]
  /// Objects that were handed out and not released yet.
  var live = 0
  var isReleased = false
  var failure: String?
  private var failureText: UnsafeMutablePointer<CChar>?
  let stream = UnsafeMutablePointer<ArrowArrayStream>.allocate(capacity: 1)

  init(_ batches: [ArrowNode], schema: ArrowNode? = nil) {
    self.batches = batches
    self.schema = schema ?? batches[0]
    stream.initialize(to: ArrowArrayStream())
    stream.pointee.private_data = Unmanaged.passUnretained(self).toOpaque()
    stream.pointee.get_schema = { stream, out in
      guard let producer = ArrowProducer.of(stream), let out else { return 22 }
      out.initialize(to: producer.schemaStruct(producer.schema))
      return 0
    }
    stream.pointee.get_next = { stream, out in
      guard let producer = ArrowProducer.of(stream), let out else { return 22 }
      if producer.failure != nil && producer.batches.isEmpty { return 5 }
      out.initialize(
        to: producer.batches.isEmpty
          ? ArrowArray() : producer.arrayStruct(producer.batches.removeFirst()))
      return 0
    }
    stream.pointee.get_last_error = { stream in
      guard let producer = ArrowProducer.of(stream), let failure = producer.failure else {
        return nil
      }
      if producer.failureText == nil { producer.failureText = strdup(failure) }
      return UnsafePointer(producer.failureText)
    }
    stream.pointee.release = { stream in
      ArrowProducer.of(stream)?.isReleased = true
      stream?.pointee.release = nil
    }
  }

  deinit {
    stream.deallocate()
    free(failureText)
  }

  private static func of(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) -> ArrowProducer? {
    stream?.pointee.private_data.map {
      Unmanaged<ArrowProducer>.fromOpaque($0).takeUnretainedValue()
    }
  }

  /// Memory of one handed-out struct and of its children.
  private final class Lease {
    let producer: ArrowProducer
    var memory: [UnsafeMutableRawPointer] = []
    init(_ producer: ArrowProducer) { self.producer = producer }
    deinit { for bytes in memory { bytes.deallocate() } }

    func copy(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
      let place = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
      place.copyMemory(from: bytes, byteCount: bytes.count)
      memory.append(place)
      return place
    }

    func array<Value>(of type: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value> {
      let bytes = UnsafeMutableRawPointer.allocate(
        byteCount: max(1, count) * MemoryLayout<Value>.stride, alignment: 8)
      memory.append(bytes)
      return bytes.bindMemory(to: type, capacity: max(1, count))
    }

    /// A reference for `private_data`.
    var retained: UnsafeMutableRawPointer {
      producer.live += 1
      return Unmanaged.passRetained(self).toOpaque()
    }

    static func end(_ data: UnsafeMutableRawPointer?) {
      guard let data else { return }
      let lease = Unmanaged<Lease>.fromOpaque(data).takeRetainedValue()
      lease.producer.live -= 1
    }
  }

  private func schemaStruct(_ node: ArrowNode) -> ArrowSchema {
    let lease = Lease(self)
    var schema = filled(node, lease)
    schema.private_data = lease.retained
    schema.release = { schema in
      Lease.end(schema?.pointee.private_data)
      schema?.pointee.release = nil
    }
    return schema
  }

  private func filled(_ node: ArrowNode, _ lease: Lease) -> ArrowSchema {
    var schema = ArrowSchema()
    schema.format = UnsafePointer(
      lease.copy(Array(node.format.utf8) + [0]).assumingMemoryBound(to: CChar.self))
    schema.name = UnsafePointer(
      lease.copy(Array(node.name.utf8) + [0]).assumingMemoryBound(to: CChar.self))
    schema.n_children = Int64(node.children.count)
    let children = lease.array(
      of: UnsafeMutablePointer<ArrowSchema>?.self, node.children.count)
    for (index, child) in node.children.enumerated() {
      let place = lease.array(of: ArrowSchema.self, 1)
      place.initialize(to: filled(child, lease))
      (children + index).initialize(to: place)
    }
    schema.children = children
    return schema
  }

  private func arrayStruct(_ node: ArrowNode) -> ArrowArray {
    let lease = Lease(self)
    var array = filledArray(node, lease)
    array.private_data = lease.retained
    array.release = { array in
      Lease.end(array?.pointee.private_data)
      array?.pointee.release = nil
    }
    return array
  }

  private func filledArray(_ node: ArrowNode, _ lease: Lease) -> ArrowArray {
    var array = ArrowArray()
    array.length = Int64(node.length)
    array.offset = Int64(node.offset)
    array.null_count = Int64(node.nullCount)
    array.n_buffers = Int64(node.buffers.count)
    array.n_children = Int64(node.children.count)
    let buffers = lease.array(of: UnsafeRawPointer?.self, node.buffers.count)
    for (index, bytes) in node.buffers.enumerated() {
      (buffers + index).initialize(to: bytes.map { UnsafeRawPointer(lease.copy($0)) })
    }
    array.buffers = buffers
    let children = lease.array(of: UnsafeMutablePointer<ArrowArray>?.self, node.children.count)
    for (index, child) in node.children.enumerated() {
      let place = lease.array(of: ArrowArray.self, 1)
      place.initialize(to: filledArray(child, lease))
      (children + index).initialize(to: place)
    }
    array.children = children
    return array
  }
}

// SPDX-License-Identifier: Apache-2.0
// What renders a report is a module of its own, free of the readers' C libraries; who imports this one gets both.

@_exported public import EsscherReport

using Tessera.Framework.Running;

namespace Tessera.Framework.Optimization;

/// <param name="Norm">Largest norm of all gradients together.</param>
/// <param name="Value">Largest absolute value of any gradient.</param>
public sealed record ClipGradOptions([property: Range(0.0, 1e12)] double? Norm = null, [property: Range(0.0, 1e12)] double? Value = null);

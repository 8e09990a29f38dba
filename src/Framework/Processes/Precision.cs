using Tessera.Framework.Running;

namespace Tessera.Framework.Processes;

/// <summary>What a run computes in.</summary>
public enum Precision
{
    Auto,
    Fp32,
    Bf16,
    Fp16,
}

using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <param name="Roles">The layers that are changed, by what they do: "query", "key", "value", "qkv", "proj", "fc1", "fc2", "mlp", "conv",
/// "linear" or "all"; query and value by default.</param>
/// <param name="Rank">r, the rank of what is added to a weight.</param>
/// <param name="Alpha">What is added is scaled by alpha / rank.</param>
/// <param name="Dropout">Dropout of what the added part sees.</param>
/// <param name="RankStabilized">Scale by alpha / √rank instead, so that larger ranks learn as fast as small ones (rsLoRA).</param>
public sealed record LoraOptions(
    [property: MinLength(1)] LayerRole[]? Roles = null,
    [property: Range(1, 4096)] int Rank = 8,
    [property: Range(0.0, 1e6)] double Alpha = 8,
    [property: Range(0.0, 0.99)] double Dropout = 0,
    bool RankStabilized = false
)
{
    internal double Scale => Alpha / (RankStabilized ? Math.Sqrt(Rank) : Rank);

    internal LayerRole[] Chosen => Roles ?? [LayerRole.Query, LayerRole.Value];
}

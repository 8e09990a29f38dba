using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <summary>Adds a product of two small matrices to the weights of layers: W x + s · B A x, with A of rank rows and B zero at
/// first.</summary>
/// <remarks>
/// Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2022, arXiv:2106.09685; rank_stabilized: Kalajdzievski, "A Rank
/// Stabilization Scaling Factor for Fine-Tuning with LoRA", 2023, arXiv:2312.03732. Queries, keys and values of one layer have products of
/// their own. Of a convolution A is one of the same kernel, B one of 1x1.
/// </remarks>
[Component("LoRA")]
public sealed class Lora(LoraOptions options) : PeftMethod
{
    public override void Apply(PeftSite site)
    {
        foreach (var slice in site.Layers.Find(options.Chosen, LowRankChange.Fits, site.Asker))
            site.Change(new LowRankChange(slice, options));
    }
}

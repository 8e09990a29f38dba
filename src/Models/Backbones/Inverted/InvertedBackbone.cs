using Tessera.Framework.Models;
using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>What networks of inverted residuals share: EfficientNet's and MobileNet's.</summary>
/// <remarks>
/// Without OutIndices a network ends as its published classifier does, before the last linear layer. With OutIndices it gives maps: 0 to 4
/// those of strides 2, 4, 8, 16 and 32 (the last block's before the next stride, as timm counts), 5 that of the last 1x1 convolution. What
/// lies behind the last of them is not built.
/// </remarks>
public abstract class InvertedBackbone : StagedBackbone
{
    private readonly InvertedPlan _plan;

    private protected InvertedBackbone(InvertedPlan plan)
        : base(plan.Staged)
    {
        _plan = plan;
        Weights.FanOut(this);
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => InvertedKeys.Of(_plan);
}

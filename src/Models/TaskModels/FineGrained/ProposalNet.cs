using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Scores boxes of three sizes by a map: how much each is likely to tell about the class.</summary>
internal sealed class ProposalNet : Module<Tensor, Tensor>
{
    private readonly Conv2d down1;
    private readonly Conv2d down2;
    private readonly Conv2d down3;
    private readonly Conv2d tidy1;
    private readonly Conv2d tidy2;
    private readonly Conv2d tidy3;

    public ProposalNet(int inChannels, int channels)
        : base(nameof(ProposalNet))
    {
        down1 = Conv2d(inChannels, channels, 3, padding: 1);
        down2 = Conv2d(channels, channels, 3, stride: 2, padding: 1);
        down3 = Conv2d(channels, channels, 3, stride: 2, padding: 1);
        tidy1 = Conv2d(channels, PartAnchors.PerCell[0], 1);
        tidy2 = Conv2d(channels, PartAnchors.PerCell[1], 1);
        tidy3 = Conv2d(channels, PartAnchors.PerCell[2], 1);
        RegisterComponents();
    }

    /// <param name="map">[B, C, h, w].</param>
    /// <returns>[B, boxes], in the order of <see cref="PartAnchors"/>.</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var first = down1.call(map).relu();
        var second = down2.call(first).relu(); // [B, C, ⌈h / 2⌉, ⌈w / 2⌉]
        var third = down3.call(second).relu();
        return scope.MoveToOuter(cat([tidy1.call(first).flatten(1), tidy2.call(second).flatten(1), tidy3.call(third).flatten(1)], 1));
    }
}

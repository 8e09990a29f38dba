using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MyProject;

/// <param name="StageChannels">Output channels of each stage; a stage halves height and width.</param>
public sealed record SmallNetOptions([property: MinLength(1), Range(1, 4096)] int[] StageChannels);

/// <summary>Stages of one convolution of stride 2, a norm and a ReLU.</summary>
/// <remarks>Where the idea comes from: authors, title, year, link.</remarks>
[Component("SmallNet")]
public sealed class SmallNet : Backbone
{
    private readonly ModuleList<Sequential> stages = new(); // fields name a checkpoint's tensors: stages.0.0.weight, …

    public SmallNet(SmallNetOptions options)
        : base(nameof(SmallNet))
    {
        OutChannels = options.StageChannels;
        OutStrides = [.. options.StageChannels.Select((_, i) => 2 << i)];
        var width = 3;
        foreach (var channels in options.StageChannels)
        {
            stages.Add(Sequential(Conv2d(width, channels, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(channels), ReLU()));
            width = channels;
        }
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <param name="images">Normalized images, [B, 3, H, W].</param>
    /// <returns>Map i, from 0: [B, StageChannels[i], ⌈H / 2^(i+1)⌉, ⌈W / 2^(i+1)⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope(); // frees temporaries; the maps move out below
        var maps = new Tensor[stages.Count];
        for (var i = 0; i < maps.Length; i++)
            maps[i] = stages[i].call(i == 0 ? images : maps[i - 1]);
        scope.MoveToOuter(maps);
        return maps;
    }
}

using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <summary>What dense heads share: towers of convolutions, and how their layers start.</summary>
internal static class Towers
{
    private const double Deviation = 0.01;

    /// <param name="bias">Convolutions have a bias though a norm follows, as FCOS has it.</param>
    public static ModuleList<TowerLayer> Build(int width, int channels, int layers, DetectionNorm norm, bool? bias = null)
    {
        var tower = new ModuleList<TowerLayer>();
        for (var i = 0; i < layers; i++)
            tower.Add(new TowerLayer(i == 0 ? width : channels, channels, 3, norm, relu: true, bias: bias));
        return tower;
    }

    /// <summary>Runs a map through a tower.</summary>
    public static Tensor Run(ModuleList<TowerLayer> tower, Tensor map)
    {
        foreach (var layer in tower)
            map = layer.call(map);
        return map;
    }

    /// <summary>Every convolution from a small normal; biases 0.</summary>
    public static void Initialize(Module head)
    {
        foreach (var convolution in head.modules().OfType<Conv2d>())
        {
            init.normal_(convolution.weight!, 0, Deviation);
            if (convolution.bias is not null)
                init.zeros_(convolution.bias);
        }
    }

    /// <summary>The classifier says "yes" with this probability at first, so that the many negatives don't drown the rest.</summary>
    public static void SetPrior(Conv2d classifier, double probability) =>
        init.constant_(classifier.bias!, -Math.Log((1 - probability) / probability));

    /// <summary>The width that all maps share.</summary>
    public static int WidthOf(Framework.Models.IFeatureSource source, string head)
    {
        if (source.OutChannels.Distinct().Count() > 1)
            throw new UserErrorException(
                $"{head} is shared by all maps, which must have equally many channels, not [{string.Join(", ", source.OutChannels)}]. "
                    + $"Put a neck (Fpn) before it."
            );
        return source.OutChannels[0];
    }
}

using Tessera.Models.Backbones;
using Tessera.Models.Backbones.ConvNeXts;
using Tessera.Models.Backbones.DenseNets;
using Tessera.Models.Backbones.Inverted;
using Tessera.Models.Backbones.RegNets;
using Tessera.Models.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Parameters of every variant of the convolutional networks, a classifier of 1,000 classes included, as published.</summary>
public sealed class ConvNetCountTests
{
    /// <summary>Figures of torchvision's model tables for tiny to large of version 1, counts of timm's code for the others.</summary>
    [Theory]
    [InlineData(ConvNeXtArch.Atto, false, 3_695_520)]
    [InlineData(ConvNeXtArch.Femto, false, 5_217_784)]
    [InlineData(ConvNeXtArch.Pico, false, 9_045_672)]
    [InlineData(ConvNeXtArch.Nano, false, 15_593_560)]
    [InlineData(ConvNeXtArch.Tiny, false, 28_589_128)]
    [InlineData(ConvNeXtArch.Small, false, 50_223_688)]
    [InlineData(ConvNeXtArch.Base, false, 88_591_464)]
    [InlineData(ConvNeXtArch.Large, false, 197_767_336)]
    [InlineData(ConvNeXtArch.Xlarge, false, 350_196_968)]
    [InlineData(ConvNeXtArch.Atto, true, 3_708_400)]
    [InlineData(ConvNeXtArch.Femto, true, 5_233_240)]
    [InlineData(ConvNeXtArch.Pico, true, 9_066_280)]
    [InlineData(ConvNeXtArch.Nano, true, 15_623_800)]
    [InlineData(ConvNeXtArch.Tiny, true, 28_635_496)]
    [InlineData(ConvNeXtArch.Base, true, 88_717_800)]
    [InlineData(ConvNeXtArch.Large, true, 197_956_840)]
    [InlineData(ConvNeXtArch.Huge, true, 660_289_640)]
    public void ConvNeXt_EveryArch_HasPublishedCount(ConvNeXtArch arch, bool second, long published)
    {
        // The blocks of a stage are alike: small networks tell the size of the large one.
        int[] depths = arch switch
        {
            ConvNeXtArch.Atto or ConvNeXtArch.Femto or ConvNeXtArch.Pico => [2, 2, 6, 2],
            ConvNeXtArch.Nano => [2, 2, 8, 2],
            ConvNeXtArch.Tiny => [3, 3, 9, 3],
            _ => [3, 3, 27, 3],
        };
        var one = Count([1, 1, 1, 1]);
        var count = one;
        for (var stage = 0; stage < depths.Length; stage++)
        {
            int[] two = [1, 1, 1, 1];
            two[stage] = 2;
            count += (depths[stage] - 1) * (Count(two) - one);
        }
        Assert.Equal(published, count);
        if (arch <= ConvNeXtArch.Small)
            Assert.Equal(published, Count(null));

        long Count(int[]? given) =>
            Parameters(new ConvNeXt(new ConvNeXtOptions(arch, given, UseGrn: second, LayerScaleInitValue: second ? 0 : 1e-6)));
    }

    /// <summary>Figures of torchvision's model tables.</summary>
    [Theory]
    [InlineData(EfficientNetArch.B0, 5_288_548)]
    [InlineData(EfficientNetArch.B1, 7_794_184)]
    [InlineData(EfficientNetArch.B2, 9_109_994)]
    [InlineData(EfficientNetArch.B3, 12_233_232)]
    [InlineData(EfficientNetArch.B4, 19_341_616)]
    [InlineData(EfficientNetArch.B5, 30_389_784)]
    [InlineData(EfficientNetArch.B6, 43_040_704)]
    [InlineData(EfficientNetArch.B7, 66_347_960)]
    public void EfficientNet_EveryArch_HasPublishedCount(EfficientNetArch arch, long published) =>
        Assert.Equal(published, Parameters(new EfficientNet(new EfficientNetOptions(arch))));

    /// <summary>Figures of torchvision's model tables.</summary>
    [Theory]
    [InlineData(EfficientNetV2Arch.S, 21_458_488)]
    [InlineData(EfficientNetV2Arch.M, 54_139_356)]
    [InlineData(EfficientNetV2Arch.L, 118_515_272)]
    public void EfficientNetV2_EveryArch_HasPublishedCount(EfficientNetV2Arch arch, long published) =>
        Assert.Equal(published, Parameters(new EfficientNetV2(new EfficientNetV2Options(arch))));

    /// <summary>torchvision's figure for factor 1, counts of timm's code for the others.</summary>
    [Theory]
    [InlineData(1, 3_504_872)]
    [InlineData(0.5, 1_968_680)]
    [InlineData(1.4, 6_108_776)]
    public void MobileNetV2_EveryWidth_HasPublishedCount(double factor, long published) =>
        Assert.Equal(published, Parameters(new MobileNetV2(new MobileNetV2Options(factor))));

    /// <summary>Figures of torchvision's model tables.</summary>
    [Theory]
    [InlineData(MobileNetV3Arch.Small, 2_542_856)]
    [InlineData(MobileNetV3Arch.Large, 5_483_032)]
    public void MobileNetV3_EveryArch_HasPublishedCount(MobileNetV3Arch arch, long published) =>
        Assert.Equal(published, Parameters(new MobileNetV3(new MobileNetV3Options(arch))));

    /// <summary>Figures of torchvision's model tables.</summary>
    [Theory]
    [InlineData(121, 7_978_856)]
    [InlineData(161, 28_681_000)]
    [InlineData(169, 14_149_480)]
    [InlineData(201, 20_013_928)]
    public void DenseNet_EveryDepth_HasPublishedCount(int depth, long published) =>
        Assert.Equal(published, Parameters(new DenseNet(new DenseNetOptions(depth))));

    /// <summary>Counts of timm's code.</summary>
    [Theory]
    [InlineData(50, 4, 26, 1, false, 25_699_120)]
    [InlineData(101, 4, 26, 1, false, 45_206_688)]
    [InlineData(50, 6, 26, 1, false, 37_051_448)]
    [InlineData(50, 8, 26, 1, false, 48_403_776)]
    [InlineData(50, 2, 48, 1, false, 25_287_304)]
    [InlineData(50, 8, 14, 1, false, 25_059_816)]
    [InlineData(50, 4, 4, 8, false, 24_671_464)]
    [InlineData(50, 4, 26, 1, true, 25_718_352)]
    [InlineData(101, 4, 26, 1, true, 45_225_920)]
    public void Res2Net_EveryVariant_HasPublishedCount(int depth, int scales, int width, int groups, bool deep, long published) =>
        Assert.Equal(
            published,
            Parameters(
                new Res2Net(
                    new Res2NetOptions(depth, scales, width, groups, Stem: deep ? ResNetStem.Deep : ResNetStem.Standard, AvgDown: deep)
                )
            )
        );

    /// <summary>Counts of timm's code.</summary>
    [Theory]
    [InlineData(RegNetArch.X002, 2_684_792)]
    [InlineData(RegNetArch.X004, 5_157_512)]
    [InlineData(RegNetArch.X006, 6_196_040)]
    [InlineData(RegNetArch.X008, 7_259_656)]
    [InlineData(RegNetArch.X016, 9_190_136)]
    [InlineData(RegNetArch.X032, 15_296_552)]
    [InlineData(RegNetArch.X040, 22_118_248)]
    [InlineData(RegNetArch.X064, 26_209_256)]
    [InlineData(RegNetArch.X080, 39_572_648)]
    [InlineData(RegNetArch.X120, 46_106_056)]
    [InlineData(RegNetArch.X160, 54_278_536)]
    [InlineData(RegNetArch.X320, 107_811_560)]
    [InlineData(RegNetArch.Y002, 3_162_996)]
    [InlineData(RegNetArch.Y004, 4_344_144)]
    [InlineData(RegNetArch.Y006, 6_055_160)]
    [InlineData(RegNetArch.Y008, 6_263_168)]
    [InlineData(RegNetArch.Y016, 11_202_430)]
    [InlineData(RegNetArch.Y032, 19_436_338)]
    [InlineData(RegNetArch.Y040, 20_646_656)]
    [InlineData(RegNetArch.Y064, 30_583_252)]
    [InlineData(RegNetArch.Y080, 39_180_068)]
    [InlineData(RegNetArch.Y120, 51_822_544)]
    [InlineData(RegNetArch.Y160, 83_590_140)]
    [InlineData(RegNetArch.Y320, 145_046_770)]
    [InlineData(RegNetArch.Y640, 281_378_786)]
    [InlineData(RegNetArch.Y1280, 644_812_894)]
    public void RegNet_EveryArch_HasPublishedCount(RegNetArch arch, long published) => AssertRegNet(new RegNetOptions(arch), published);

    /// <summary>Figures of torchvision's model tables, whose widths are rounded otherwise.</summary>
    [Theory]
    [InlineData(RegNetArch.X004, 5_495_976)]
    [InlineData(RegNetArch.X008, 7_259_656)]
    [InlineData(RegNetArch.X016, 9_190_136)]
    [InlineData(RegNetArch.X032, 15_296_552)]
    [InlineData(RegNetArch.X080, 39_572_648)]
    [InlineData(RegNetArch.X160, 54_278_536)]
    [InlineData(RegNetArch.X320, 107_811_560)]
    [InlineData(RegNetArch.Y004, 4_344_144)]
    [InlineData(RegNetArch.Y008, 6_432_512)]
    [InlineData(RegNetArch.Y016, 11_202_430)]
    [InlineData(RegNetArch.Y032, 19_436_338)]
    [InlineData(RegNetArch.Y080, 39_381_472)]
    [InlineData(RegNetArch.Y160, 83_590_140)]
    [InlineData(RegNetArch.Y320, 145_046_770)]
    [InlineData(RegNetArch.Y1280, 644_812_894)]
    public void RegNet_TorchvisionsWidths_HavePublishedCount(RegNetArch arch, long published) =>
        AssertRegNet(new RegNetOptions(arch, GroupMinRatio: 0.9), published);

    // The largest fill gigabytes: their sum is taken from the plan, by a formula that the others prove.
    private static void AssertRegNet(RegNetOptions options, long published)
    {
        var plan = new RegNetPlan(options);
        long width = 32;
        var sum = (3 * 9 * width) + (2 * width);
        foreach (var stage in plan.Stages)
            for (var i = 0; i < stage.Depth; i++)
            {
                var (inside, squeezed) = ((long)stage.Inside, (long)Math.Round(width * stage.SeRatio));
                sum += (width * inside) + (9 * inside * stage.GroupSize) + (inside * stage.Width) + (4 * inside) + (2 * stage.Width);
                if (squeezed > 0)
                    sum += (2 * inside * squeezed) + squeezed + inside;
                if (i == 0)
                    sum += (width + 2) * stage.Width;
                width = stage.Width;
            }
        Assert.Equal(published, sum + ((width + 1) * 1000));
        if (published < 60_000_000)
            Assert.Equal(published, Parameters(new RegNet(options)));
    }

    private static long Parameters(Tessera.Framework.Models.Backbone backbone)
    {
        using var head = new LinearHead(new LinearHeadOptions(), backbone, Build.Classes(1000));
        using (backbone)
            return backbone.parameters().Concat(head.parameters()).Sum(parameter => parameter.numel());
    }
}

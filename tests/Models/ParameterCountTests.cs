using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Parameters of every variant, a classifier of 1,000 (CIFAR: 10) classes included, as published.</summary>
public sealed class ParameterCountTests
{
    /// <summary>Figures of torchvision's model tables.</summary>
    [Theory]
    [InlineData(18, 1, 64, 11_689_512)]
    [InlineData(34, 1, 64, 21_797_672)]
    [InlineData(50, 1, 64, 25_557_032)]
    [InlineData(101, 1, 64, 44_549_160)]
    [InlineData(152, 1, 64, 60_192_808)]
    [InlineData(50, 32, 4, 25_028_904)]
    [InlineData(101, 32, 8, 88_791_336)]
    [InlineData(101, 64, 4, 83_455_272)]
    [InlineData(50, 1, 128, 68_883_240)]
    [InlineData(101, 1, 128, 126_886_696)]
    public void ResNet_EveryVariant_HasPublishedCount(int depth, int groups, int baseWidth, long published)
    {
        // One block of a stage after its first is like the next: two small networks tell the size of the large one.
        int[] blocks = depth switch
        {
            18 => [2, 2, 2, 2],
            34 or 50 => [3, 4, 6, 3],
            101 => [3, 4, 23, 3],
            _ => [3, 8, 36, 3],
        };
        var count = Count([1, 1, 1, 1]);
        for (var stage = 0; stage < 4; stage++)
        {
            int[] two = [1, 1, 1, 1];
            two[stage] = 2;
            if (blocks[stage] > 1)
                count += (blocks[stage] - 1) * (Count(two) - Count([1, 1, 1, 1]));
        }
        Assert.Equal(published, count);
        if (depth <= 50 && baseWidth < 128)
            Assert.Equal(published, Count(null));

        long Count(int[]? stageBlocks) =>
            Parameters(new ResNet(new ResNetOptions(depth, groups, baseWidth, StageBlocks: stageBlocks)), 1000);
    }

    /// <summary>Figures of Akamaster's implementation, whose checkpoints are in use; the paper rounds them to 0.27, 0.46, 0.66, 0.85 and
    /// 1.7 M.</summary>
    [Theory]
    [InlineData(20, 269_722)]
    [InlineData(32, 464_154)]
    [InlineData(44, 658_586)]
    [InlineData(56, 853_018)]
    [InlineData(110, 1_727_962)]
    public void CifarResNet_EveryDepth_HasPublishedCount(int depth, long published) =>
        Assert.Equal(published, Parameters(new CifarResNet(new CifarResNetOptions(depth)), 10));

    /// <summary>Figures of torchvision (base, large, huge) and timm (tiny, small).</summary>
    [Theory]
    [InlineData(VisionTransformerArch.Tiny, 16, 12, 5_717_416)]
    [InlineData(VisionTransformerArch.Small, 16, 12, 22_050_664)]
    [InlineData(VisionTransformerArch.Base, 16, 12, 86_567_656)]
    [InlineData(VisionTransformerArch.Base, 32, 12, 88_224_232)]
    [InlineData(VisionTransformerArch.Large, 16, 24, 304_326_632)]
    [InlineData(VisionTransformerArch.Large, 32, 24, 306_535_400)]
    [InlineData(VisionTransformerArch.Huge, 14, 32, 632_045_800)]
    public void VisionTransformer_EveryArch_HasPublishedCount(VisionTransformerArch arch, int patch, int depth, long published)
    {
        var (one, two) = (Count(1), Count(2));
        Assert.Equal(published, one + ((depth - 1) * (two - one)));
        if (arch <= VisionTransformerArch.Small)
            Assert.Equal(published, Count(null));

        long Count(int? blocks) =>
            Parameters(new VisionTransformer(new VisionTransformerOptions(arch, PatchSize: patch, Depth: blocks)), 1000);
    }

    /// <summary>Figures of the authors' networks, which their table rounds to 13.2, 15.6, 21.3, 37.7, 41.2, 57.6, 67.1 and 77.5
    /// M.</summary>
    [Theory]
    [InlineData(HRNetArch.W18Small, 13_187_464)]
    [InlineData(HRNetArch.W18SmallV2, 15_597_464)]
    [InlineData(HRNetArch.W18, 21_299_004)]
    [InlineData(HRNetArch.W30, 37_712_220)]
    [InlineData(HRNetArch.W32, 41_232_680)]
    [InlineData(HRNetArch.W40, 57_557_160)]
    [InlineData(HRNetArch.W44, 67_064_984)]
    [InlineData(HRNetArch.W48, 77_469_864)]
    public void HRNet_EveryArch_HasPublishedCount(HRNetArch arch, long published) =>
        Assert.Equal(published, Parameters(new HRNet(new HRNetOptions(arch, Classification: true)), 1000));

    /// <summary>
    /// Figures of the authors' networks, which their tables round to 4.3, 5.9, 6.9, 21.5, 39.2 and 64.1 M. They count the
    /// embeddings and the random features too, which are buffers here.
    /// </summary>
    [Theory]
    [InlineData(7, T2TTokens.Performer, 4_310_222)]
    [InlineData(10, T2TTokens.Performer, 5_889_230)]
    [InlineData(12, T2TTokens.Performer, 6_941_902)]
    [InlineData(14, T2TTokens.Performer, 21_545_550)]
    [InlineData(19, T2TTokens.Performer, 39_177_422)]
    [InlineData(24, T2TTokens.Performer, 64_105_934)]
    [InlineData(14, T2TTokens.Transformer, 21_541_070)]
    [InlineData(19, T2TTokens.Transformer, 39_172_942)]
    [InlineData(24, T2TTokens.Transformer, 64_101_454)]
    public void T2TViT_EveryArch_HasPublishedCount(int arch, T2TTokens tokens, long published)
    {
        using var backbone = new T2TViT(new T2TViTOptions(arch, tokens));
        using var head = new LinearHead(new LinearHeadOptions(), backbone, Build.Classes(1000));
        Assert.Equal(published, backbone.state_dict().Values.Concat(head.parameters()).Sum(tensor => tensor.numel()));
    }

    /// <summary>Counts of whai362/PVT's code; its README rounds them to 13.2, 24.5, 44.2 and 61.4 M.</summary>
    [Theory]
    [InlineData(PvtArch.Tiny, 13_229_288)]
    [InlineData(PvtArch.Small, 24_485_864)]
    [InlineData(PvtArch.Medium, 44_208_104)]
    [InlineData(PvtArch.Large, 61_369_320)]
    public void Pvt_EveryArch_HasPublishedCount(PvtArch arch, long published) =>
        Assert.Equal(
            published,
            Parameters(new PyramidVisionTransformer(new PyramidVisionTransformerOptions(arch, Features: TokenFeatures.ClsToken)), 1000)
        );

    /// <summary>Counts of whai362/PVT's code; its README rounds them to 3.7, 14.0, 25.4, 22.6 (linear), 45.2, 62.6 and 82.0 M.</summary>
    [Theory]
    [InlineData(PvtV2Arch.B0, false, 3_666_760)]
    [InlineData(PvtV2Arch.B1, false, 14_009_000)]
    [InlineData(PvtV2Arch.B2, false, 25_362_856)]
    [InlineData(PvtV2Arch.B2, true, 22_553_512)]
    [InlineData(PvtV2Arch.B3, false, 45_238_696)]
    [InlineData(PvtV2Arch.B4, false, 62_556_072)]
    [InlineData(PvtV2Arch.B5, false, 81_956_008)]
    public void PvtV2_EveryArch_HasPublishedCount(PvtV2Arch arch, bool linear, long published) =>
        Assert.Equal(published, Parameters(new PyramidVisionTransformerV2(new PyramidVisionTransformerV2Options(arch, linear)), 1000));

    /// <summary>Counts of NVlabs/SegFormer's code (make_mmseg.py), which has no classifier; the paper's table 1 rounds them to 3.4, 13.1,
    /// 24.2, 44.0, 60.8 and 81.4 M.</summary>
    [Theory]
    [InlineData(MitArch.B0, 3_319_392)]
    [InlineData(MitArch.B1, 13_151_424)]
    [InlineData(MitArch.B2, 24_196_288)]
    [InlineData(MitArch.B3, 44_072_128)]
    [InlineData(MitArch.B4, 60_842_688)]
    [InlineData(MitArch.B5, 81_443_008)]
    public void Mit_EveryArch_HasPublishedCount(MitArch arch, long published)
    {
        using var backbone = new MixVisionTransformer(new MixVisionTransformerOptions(arch));
        Assert.Equal(published, backbone.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>Counts of MMSegmentation's code, and, where the head is plain, of NVlabs/SegFormer's without the classifier that it never
    /// uses; see make_mmseg.py. The papers and READMEs round them to 66.5, 28.5, 29.1, 3.8, 13.7 and 27.5 M.</summary>
    [Theory]
    [InlineData(Resnet50, null, """{ "type": "UPerHead" }""", Aux, 150, 66_516_108)]
    [InlineData(Resnet50, """{ "type": "Fpn" }""", """{ "type": "FpnHead" }""", null, 150, 28_514_806)]
    [InlineData("""{ "type": "UNet" }""", null, UNetHead, UNetAux, 19, 29_062_886)]
    [InlineData("""{ "type": "MixVisionTransformer", "arch": "b0" }""", null, """{ "type": "SegformerHead" }""", null, 150, 3_753_718)]
    [InlineData(
        """{ "type": "MixVisionTransformer", "arch": "b1" }""",
        null,
        """{ "type": "SegformerHead", "plain": true }""",
        null,
        150,
        13_715_798
    )]
    [InlineData(
        """{ "type": "MixVisionTransformer", "arch": "b2" }""",
        null,
        """{ "type": "SegformerHead", "plain": true, "channels": 768 }""",
        null,
        150,
        27_461_974
    )]
    public void Segmentor_OfPublishedSize_HasPublishedCount(
        string backbone,
        string? neck,
        string head,
        string? auxiliary,
        int classes,
        long published
    )
    {
        using var model = Build.From<VisionModel>(
            $$"""
            { "type": "Segmentor", "backbone": {{backbone}}, "neck": {{neck
                ?? "null"}}, "decode_head": {{head}}, "auxiliary_head": {{auxiliary ?? "null"}} }
            """,
            Build.Classes(classes, DataTask.Segmentation)
        );
        Assert.Equal(published, model.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>Count of MMSegmentation's code; see make_mmseg.py.</summary>
    [Fact]
    public void UNet_Deconv_HasTheReferencesCount()
    {
        using var backbone = new UNet(new UNetOptions(Upsample: UNetUpsample.Deconv));
        Assert.Equal(39_395_328, backbone.parameters().Sum(parameter => parameter.numel()));
    }

    private const string Resnet50 = """{ "type": "ResNet", "depth": 50, "stem": "deep", "out_indices": [0, 1, 2, 3] }""";
    private const string Aux = """{ "type": "FcnHead", "in_index": 2, "channels": 256, "num_convs": 1, "concat_input": false }""";
    private const string UNetHead = """{ "type": "FcnHead", "channels": 64, "num_convs": 1, "concat_input": false }""";
    private const string UNetAux = """{ "type": "FcnHead", "in_index": 3, "channels": 64, "num_convs": 1, "concat_input": false }""";

    /// <summary>Counts of microsoft/Swin-Transformer's code; its README rounds them to 28, 50 and 88 M.</summary>
    [Theory]
    [InlineData(SwinArch.Tiny, 28_288_354)]
    [InlineData(SwinArch.Small, 49_606_258)]
    [InlineData(SwinArch.Base, 87_768_224)]
    public void Swin_EveryArch_HasPublishedCount(SwinArch arch, long published) =>
        Assert.Equal(published, Parameters(new SwinTransformer(new SwinTransformerOptions(arch, OutIndices: [3])), 1000));

    /// <summary>Counts of cheerss/CrossFormer's code; its README rounds them to 27.8, 30.7, 52.0, 92.0, and, of the ++ sizes, 23.3, 52.0, 92.0
    /// and 96.0 M.</summary>
    [Theory]
    [InlineData(CrossFormerArch.Tiny, 27_776_794)]
    [InlineData(CrossFormerArch.Small, 30_657_394)]
    [InlineData(CrossFormerArch.Base, 51_971_554)]
    [InlineData(CrossFormerArch.Large, 91_971_184)]
    [InlineData(CrossFormerArch.PlusSmall, 23_325_340)]
    [InlineData(CrossFormerArch.PlusBase, 51_994_594)]
    [InlineData(CrossFormerArch.PlusLarge, 92_001_904)]
    [InlineData(CrossFormerArch.PlusHuge, 95_962_944)]
    public void CrossFormer_EveryArch_HasPublishedCount(CrossFormerArch arch, long published) =>
        Assert.Equal(published, Parameters(new CrossFormer(new CrossFormerOptions(arch, OutIndices: [3])), 1000));

    private static long Parameters(Backbone backbone, int classes)
    {
        using var head = new LinearHead(new LinearHeadOptions(), backbone, Build.Classes(classes));
        using (backbone)
            return backbone.parameters().Concat(head.parameters()).Sum(parameter => parameter.numel());
    }
}

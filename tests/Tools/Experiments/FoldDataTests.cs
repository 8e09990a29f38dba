using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Configs;
using Tessera.Tools.Experiments;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>Every kind of data can be divided: by the shipped configs, on files of each kind.</summary>
[Collection(InProcess.Name)]
public sealed class FoldDataTests(TinyData data) : IClassFixture<TinyData>
{
    [Theory]
    [InlineData("resnet/resnet18_imagefolder.json")]
    [InlineData("resnet/resnet20_cifar10.json")]
    [InlineData("retinanet/retinanet_r50_fpn_1x_coco.json")]
    [InlineData("retinanet/retinanet_r50_fpn_voc0712.json")]
    [InlineData("fcn/fcn_r50-d8_camvid.json")]
    [InlineData("retinanet/retinanet-small_shapes.json")]
    [InlineData("regression/resnet-small_shapes-regression.json")]
    [InlineData("multilabel/resnet-small_shapes-multilabel.json")]
    public void Edits_TrainOnOneSampleAndEvaluateAnother(string config)
    {
        var path = Path.Combine(Snippets.Repository, "configs", config);
        var whole = ConfigDocument.Load(path, [$"data_root={data.Root}"]);
        using var before = Session.Open(whole);
        var names = ((int[])[0, 1]).Select(i => before.Data[DataPart.Train].Get(i).Name).ToArray();
        Assert.NotEqual(names[0], names[1]);

        using var session = Session.Open(whole.Edited(FoldData.Edits(whole, [0], [1], new SourceLocation("--folds", 0))));
        var (train, val) = (session.Data[DataPart.Train], session.Data[DataPart.Val]);
        Assert.Equal((1, 1), (train.Count, val.Count));
        Assert.Equal(names, (string[])[train.Get(0).Name, val.Get(0).Name]);
        Assert.Equal(before.Data[DataPart.Train].Info.Classes, val.Info.Classes);
        Assert.Equal(Types(before.Data[DataPart.Train]), Types(train));
        Assert.Equal(Types(before.Data[DataPart.Val]), Types(val));
        train.Check();
        val.Check();
        foreach (var loaded in session.Data.Loader(DataPart.Val).Epoch(0))
        {
            using var batch = loaded;
            Assert.Equal(names[1], batch.Samples.Single().Name);
        }
    }

    private static IEnumerable<string> Types(Dataset dataset) => dataset.Pipeline.Select(step => step.GetType().Name);
}

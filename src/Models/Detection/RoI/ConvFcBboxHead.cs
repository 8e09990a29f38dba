using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Layers;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.RoI;

/// <param name="NumClasses">Classes, without the background; by default as many as the data has, with which it must agree.</param>
/// <param name="RoiFeatSize">Bins along each side of a region's features: output_size of the bbox_roi_extractor.</param>
/// <param name="NumSharedConvs">3x3 convolutions before the linear layers.</param>
/// <param name="ConvOutChannels">Channels of each.</param>
/// <param name="Norm">The norm after each of them: "none", "gn" or "bn".</param>
/// <param name="NumSharedFcs">Linear layers.</param>
/// <param name="FcOutChannels">Outputs of each.</param>
/// <param name="RegClassAgnostic">One box a region; false: one for each class.</param>
public sealed record ConvFcBboxHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 256)] int RoiFeatSize = 7,
    [property: Range(0, 16)] int NumSharedConvs = 0,
    [property: Range(1, 65536)] int ConvOutChannels = 256,
    DetectionNorm Norm = DetectionNorm.None,
    [property: Range(1, 16)] int NumSharedFcs = 2,
    [property: Range(1, 65536)] int FcOutChannels = 1024,
    bool RegClassAgnostic = false
);

/// <summary>Convolutions and linear layers that class and box share, then one layer for each. By default Faster R-CNN's two linear
/// layers.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497; with a pyramid: Lin et al., "Feature Pyramid Networks for Object
/// Detection", 2017, arXiv:1612.03144, section 5.2.</remarks>
[Component("ConvFcBboxHead")]
public sealed class ConvFcBboxHead : RoIBoxHead
{
    private readonly ModuleList<TowerLayer> shared_convs;
    private readonly ModuleList<Linear> shared_fcs = new();
    private readonly Linear fc_cls;
    private readonly Linear fc_reg;
    private readonly ConvFcBboxHeadOptions _options;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="boxCoder">Boxes as numbers; DeltaXywhCoder with deviations 0.1, 0.1, 0.2 and 0.2 by default.</param>
    /// <param name="lossCls">The loss of the classes, the background the last of them; CrossEntropyLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; L1Loss by default. One that compares boxes gets them decoded.</param>
    public ConvFcBboxHead(
        ConvFcBboxHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        BoxCoder? boxCoder = null,
        Loss? lossCls = null,
        BoxLoss? lossBbox = null
    )
        : base(nameof(ConvFcBboxHead), ClassesOf(nameof(ConvFcBboxHead), options.NumClasses, data), boxCoder, lossCls, lossBbox)
    {
        _options = options;
        var width = Towers.WidthOf(source, nameof(ConvFcBboxHead));
        shared_convs = Towers.Build(width, options.ConvOutChannels, options.NumSharedConvs, options.Norm);
        var features = (options.NumSharedConvs == 0 ? width : options.ConvOutChannels) * options.RoiFeatSize * options.RoiFeatSize;
        for (var i = 0; i < options.NumSharedFcs; i++)
            shared_fcs.Add(Linear(i == 0 ? features : options.FcOutChannels, options.FcOutChannels));
        fc_cls = Linear(options.FcOutChannels, Classes + 1);
        fc_reg = Linear(options.FcOutChannels, 4 * (options.RegClassAgnostic ? 1 : Classes));
        RegisterComponents();
        foreach (var layer in shared_fcs)
            Start(layer, weight => init.xavier_uniform_(weight));
        Start(fc_cls, weight => init.normal_(weight, 0, 0.01));
        Start(fc_reg, weight => init.normal_(weight, 0, 0.001));
        foreach (var convolution in shared_convs.SelectMany(layer => layer.modules()).OfType<Conv2d>())
            init.kaiming_normal_(convolution.weight!, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
    }

    public override int RoiFeatSize => _options.RoiFeatSize;

    public override bool RegClassAgnostic => _options.RegClassAgnostic;

    internal override IEnumerable<ClassTensor> ClassTensors
    {
        get
        {
            foreach (var which in new[] { "weight", "bias" })
            {
                yield return new ClassTensor($"{nameof(fc_cls)}.{which}") { Others = 1 };
                if (!RegClassAgnostic)
                    yield return new ClassTensor($"{nameof(fc_reg)}.{which}") { RowsPerClass = 4 };
            }
        }
    }

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys =>
        [
            ("box_head.fc6.", $"{nameof(shared_fcs)}.0.", false),
            ("box_head.fc7.", $"{nameof(shared_fcs)}.1.", false),
            ("box_predictor.cls_score.", $"{nameof(fc_cls)}.", false),
            ("box_predictor.bbox_pred.", $"{nameof(fc_reg)}.", false),
        ];

    /// <param name="features">[N, C, RoiFeatSize, RoiFeatSize].</param>
    /// <returns>Logits [N, classes + 1], the background last, and boxes [N, classes · 4] or [N, 4].</returns>
    public override Tensor[] forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        var x = Towers.Run(shared_convs, features).flatten(1);
        foreach (var layer in shared_fcs)
            x = Rectifier.InPlace(layer.call(x));
        Tensor[] outputs = [fc_cls.call(x).to(ScalarType.Float32), fc_reg.call(x).to(ScalarType.Float32)];
        scope.MoveToOuter(outputs);
        return outputs;
    }

    private static void Start(Linear layer, Action<Tensor> fill)
    {
        fill(layer.weight!);
        init.zeros_(layer.bias!);
    }
}

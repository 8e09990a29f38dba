namespace Tessera.Framework.Components;

/// <summary>Components of openseg, MMDetection and others that users will name, and what Tessera calls the same thing.</summary>
internal static class ForeignComponents
{
    private const string OpenSeg = "openseg";
    private const string MmLab = "MMDetection";

    // Name -> what it is here, empty where none is needed, and whose it is.
    private static readonly Dictionary<string, (string Ours, string Origin)> s_names = new()
    {
        ["LoadImageFromFile"] = ("LoadImage", MmLab),
        ["LoadAnnotations"] = ("", MmLab),
        ["PackDetInputs"] = ("", MmLab),
        ["PackInputs"] = ("", MmLab),
        ["PackSegInputs"] = ("", MmLab),
        ["DefaultFormatBundle"] = ("", MmLab),
        ["Collect"] = ("", MmLab),
        ["ImageToTensor"] = ("", MmLab),
        ["CocoDataset"] = ("CocoDetection", MmLab),
        ["VOCDataset"] = ("VocDetection", MmLab),
        ["XMLDataset"] = ("VocDetection", MmLab),
        ["FilterAnnotations"] = ("FilterBoxes", MmLab),
        ["RandomChoiceResize"] = ("RandomResize", MmLab),
        ["RandomZoomOut"] = ("Expand", "torchvision"),
        ["RandomIoUCrop"] = ("MinIoURandomCrop", "torchvision"),
        ["MultiImageMixDataset"] = ("Mosaic", MmLab),
        ["PascalVOCDataset"] = ("VocSegmentation", MmLab),
        ["PascalContextDataset"] = ("PascalContext", MmLab),
        ["CityscapesDataset"] = ("Cityscapes", MmLab),
        ["ADE20KDataset"] = ("Ade20k", MmLab),
        ["COCOStuffDataset"] = ("CocoStuff", MmLab),
        ["BaseSegDataset"] = ("SegmentationFolder", MmLab),
        ["EncoderDecoder"] = ("Segmentor", MmLab),
        ["LinearClsHead"] = ("LinearHead", MmLab),
        ["CustomDataset"] = ("ImageFolder", MmLab),
        ["ImageNet"] = ("ImageFolder", MmLab),
        ["CIFAR10"] = ("Cifar", MmLab),
        ["CIFAR100"] = ("Cifar", MmLab),
        ["FCNHead"] = ("FcnHead", MmLab),
        ["FasterRCNN"] = ("TwoStageDetector", MmLab),
        ["MaskRCNN"] = ("TwoStageDetector", MmLab),
        ["CascadeRCNN"] = ("TwoStageDetector", MmLab),
        ["DETR"] = ("Detr", MmLab),
        ["Shared2FCBBoxHead"] = ("ConvFcBboxHead", MmLab),
        ["Shared4Conv1FCBBoxHead"] = ("ConvFcBboxHead", MmLab),
        ["ConvFCBBoxHead"] = ("ConvFcBboxHead", MmLab),
        ["FCNMaskHead"] = ("FcnMaskHead", MmLab),
        ["RPNHead"] = ("RpnHead", MmLab),
        ["CSPDarknet"] = ("CspDarknet", MmLab),
        ["CSPNeXt"] = ("CspNext", MmLab),
        ["YOLOXPAFPN"] = ("YoloxPafpn", MmLab),
        ["CSPNeXtPAFPN"] = ("CspNextPafpn", MmLab),
        ["YOLOX"] = ("Detector", MmLab),
        ["YOLOXHead"] = ("YoloxHead", MmLab),
        ["ATSS"] = ("Detector", MmLab),
        ["ATSSHead"] = ("AtssHead", MmLab),
        ["GFL"] = ("Detector", MmLab),
        ["GFLHead"] = ("GflHead", MmLab),
        ["RTMDet"] = ("Detector", MmLab),
        ["RTMDetSepBNHead"] = ("RtmdetHead", MmLab),
        ["SimOTAAssigner"] = ("SimOtaAssigner", MmLab),
        ["DeltaXYWHBBoxCoder"] = ("DeltaXywhCoder", MmLab),
        ["FSCELoss"] = ("CrossEntropyLoss", OpenSeg),
        ["FSOhemCELoss"] = ("OhemCrossEntropyLoss", OpenSeg),
        ["OhemCrossEntropy"] = ("OhemCrossEntropyLoss", MmLab),
        ["OHEMPixelSampler"] = ("OhemCrossEntropyLoss", MmLab),
        ["LovaszSoftmax"] = ("LovaszLoss", OpenSeg),
        ["RMILoss"] = ("RmiLoss", OpenSeg),
        ["IoUMetric"] = ("MeanIoU", MmLab),
        ["DefaultSampler"] = ("RandomSampler", MmLab),
        ["OptimWrapper"] = ("", MmLab),
        ["AmpOptimWrapper"] = ("", MmLab),
        ["EMAHook"] = ("EmaHook", MmLab),
        ["LoggerHook"] = ("LogHook", MmLab),
        ["IterTimerHook"] = ("", MmLab),
        ["ParamSchedulerHook"] = ("", MmLab),
        ["DistSamplerSeedHook"] = ("", MmLab),
        ["SyncBuffersHook"] = ("", MmLab),
        ["CosineAnnealingLR"] = ("CosineLr", MmLab),
        ["CosineAnnealing"] = ("CosineLr", MmLab),
        ["CosineRestartLR"] = ("CosineRestartLr", MmLab),
        ["LinearLR"] = ("LinearLr", MmLab),
        ["MultiStepLR"] = ("MultiStepLr", MmLab),
        ["StepLR"] = ("StepLr", MmLab),
        ["ExponentialLR"] = ("ExponentialLr", MmLab),
        ["ConstantLR"] = ("ConstantLr", MmLab),
        ["PolyLR"] = ("PolyLr", MmLab),
        ["OneCycleLR"] = ("OneCycleLr", MmLab),
    };

    /// <summary>Every component that a message recommends.</summary>
    public static IEnumerable<(string Word, string Ours)> Recommended =>
        s_names.Where(entry => entry.Value.Ours.Length > 0).Select(entry => (entry.Key, entry.Value.Ours));

    /// <summary>What the component is called here, or null for a name of nobody's; an empty name where none is needed.</summary>
    public static (string Name, string Text)? Find(string name)
    {
        if (!s_names.TryGetValue(name, out var entry))
            return null;
        return entry.Ours.Length == 0
            ? ("", $"That is {entry.Origin}'s; Tessera needs no such {Instead(name)}.")
            : (entry.Ours, $"That is {entry.Origin}'s name; here it is \"{entry.Ours}\".");
    }

    /// <summary>What to do about a component that isn't needed.</summary>
    private static string Instead(string name) =>
        name switch
        {
            "LoadAnnotations" => "step, leave it out (for segmentation: LoadSegmentation stands in its place)",
            "OptimWrapper" or "AmpOptimWrapper" =>
                "layer: write the optimizer itself in its place; precision and train.clip_grad say the rest",
            _ when name.EndsWith("Hook", StringComparison.Ordinal) => "hook, leave it out",
            _ => "step, leave it out",
        };
}

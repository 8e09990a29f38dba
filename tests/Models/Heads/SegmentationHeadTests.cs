using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Heads.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Heads;

/// <summary>What every segmentation head promises. A head joins by being registered.</summary>
public sealed class SegmentationHeadTests
{
    // Besides a head's defaults, which are narrowed to few channels.
    private static readonly Dictionary<string, string[]> _forms = new()
    {
        ["FcnHead"] =
        [
            """{ "channels": 6 }""",
            """{ "num_convs": 0, "concat_input": false, "in_index": [0, 1], "align_corners": true }""",
            """{ "channels": 6, "num_convs": 1, "kernel_size": 1, "concat_input": false, "in_index": -2, "in_channels": 12 }""",
        ],
        ["AsppHead"] = ["""{ "channels": 6 }""", """{ "channels": 6, "dilations": [1, 2], "project": true, "align_corners": true }"""],
        ["SepAsppHead"] = ["""{ "channels": 6, "c1_channels": 5 }""", """{ "channels": 6, "c1_index": 1, "c1_in_channels": 12, "dilations": [1, 3] }"""],
        ["PspHead"] = ["""{ "channels": 6 }""", """{ "channels": 6, "pool_scales": [1, 5], "align_corners": true, "dropout": 0 }"""],
        ["ConcatHead"] = ["{ }", """{ "channels": 7, "kernel_size": 3, "in_index": [1, 2] }"""],
        ["OcrHead"] = ["""{ "channels": 8, "ocr_channels": 6 }""", """{ "channels": 8, "ocr_channels": 6, "in_index": [0, 2], "scale": 2 }"""],
    };

    public static TheoryData<string> Heads()
    {
        var data = new TheoryData<string>();
        foreach (var component in Build.Registry.OfKind(typeof(SegmentationHead)))
        {
            Assert.True(_forms.ContainsKey(component), $"Say in _forms how {component} is built small.");
            foreach (var form in _forms[component]) data.Add($$"""{ "type": "{{component}}", {{form.Trim()[1..]}}""");
        }
        return data;
    }
}

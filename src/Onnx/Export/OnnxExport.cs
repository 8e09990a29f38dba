namespace Tessera.Onnx.Export;

/// <summary>What was written.</summary>
/// <param name="Files">The model, and its weights where they lie beside it.</param>
/// <param name="Nodes">Operations in the graph.</param>
/// <param name="Weights">Bytes of constants.</param>
/// <param name="Inputs">Each as "images float [1, 3, 224, 224]".</param>
/// <param name="Outputs">The same of what the graph gives.</param>
public sealed record OnnxExport(
    IReadOnlyList<string> Files,
    int Nodes,
    long Weights,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs
);

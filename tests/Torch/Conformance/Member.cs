using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>
/// Members of TorchSharp as the suite writes them: "torch::cat", "Tensor::get_shape", "nn.functional::conv2d", "Modules.Linear::get_weight",
/// "nn.Module`2::.ctor". Overloads and generic arguments are left out.
/// </summary>
internal static class Member
{
    /// <summary>What an instruction names of TorchSharp; null where it names nothing of it. The values of an enumeration don't count.</summary>
    public static string? Of(Instruction instruction) => instruction.Operand switch
    {
        MethodReference method when IsTorchSharp(method.DeclaringType) => Name(method.DeclaringType, method.Name),
        FieldReference field when IsTorchSharp(field.DeclaringType) => Name(field.DeclaringType, field.Name),
        _ => null,
    };

    private static string Name(TypeReference type, string member)
    {
        var name = type.GetElementType().FullName.Replace('/', '.');
        if (name.StartsWith("TorchSharp.", StringComparison.Ordinal)) name = name["TorchSharp.".Length..];
        if (name.StartsWith("torch.", StringComparison.Ordinal)) name = name["torch.".Length..];
        return $"{name}::{member}";
    }

    private static bool IsTorchSharp(TypeReference type) => type.GetElementType().Scope.Name == "TorchSharp";
}
